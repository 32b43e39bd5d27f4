"""Reading one JSON object: every key known, every value of its type, every fault named."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from difflib import get_close_matches
from typing import Any

from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.zones import LAST_YEAR, Zone, find_zone

FIRST_YEAR = 1900
LONGEST_TEXT = 64
LONGEST_SHOWN = 40


class Document:
    """The keys of one recurrence's JSON object. Reading marks a key as known."""

    def __init__(self, content: Any, known: tuple[str, ...]) -> None:
        if not isinstance(content, Mapping):
            raise RecurrenceError(
                "wrong_type",
                "recurrence",
                "A recurrence is a JSON object.",
                hint='For example {"kind": "daily", "times": ["09:00"], "timezone": "UTC"}.',
            )
        self.content = content
        self.cautions: list[Caution] = []
        for key in content:
            if key not in known:
                raise _unknown_key(str(key), known)

    def __contains__(self, key: str) -> bool:
        return self.content.get(key) is not None

    def required(self, key: str, remedy: str) -> Any:
        """Return the value of a key that must be there."""
        value = self.content.get(key)
        if value is None:
            raise RecurrenceError("required", key, f'"{key}" is missing. {remedy}')
        return value

    def text(self, key: str, remedy: str, *, longest: int = LONGEST_TEXT) -> str:
        """Return a text that must be there."""
        value = self.required(key, remedy)
        if not isinstance(value, str):
            raise RecurrenceError("wrong_type", key, f'"{key}" must be a text. {remedy}')
        if len(value) > longest:
            raise RecurrenceError(
                "too_long", key, f'"{key}" may have at most {longest:,} characters.'
            )
        return value

    def choice(self, key: str, default: str, options: tuple[str, ...]) -> str:
        """Return one of `options`."""
        value = self.content.get(key)
        if value is None:
            return default
        if value not in options:
            raise RecurrenceError(
                "bad_value", key, f"{quoted(value)} is not known here; use {listed(options)}."
            )
        return str(value)

    def integer(self, key: str, default: int, *, most: int) -> int:
        """Return a whole number from 1 to `most`."""
        value = self.content.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise RecurrenceError("not_integer", key, f'"{key}" must be a whole number.')
        if not 1 <= value <= most:
            raise RecurrenceError(
                "out_of_range", key, f'"{key}" must be 1 to {most:,}; it is {quoted(value)}.'
            )
        return value

    def items(self, key: str, *, most: int, empty: str | None = None) -> list[Any]:
        """Return a list; `empty` is what to say when it must not be."""
        value = self.content.get(key)
        if value is None:
            value = []
        if not isinstance(value, list):
            raise RecurrenceError("wrong_type", key, f'"{key}" must be a list.')
        if len(value) > most:
            raise RecurrenceError(
                "too_many", key, f'"{key}" may have at most {most:,} items; it has {len(value):,}.'
            )
        if not value and empty is not None:
            raise RecurrenceError("empty", key, empty)
        return value

    def zone(self) -> Zone:
        """Return the time zone, UTC when none is named."""
        if "timezone" not in self:
            return find_zone("UTC")
        return find_zone(self.text("timezone", "Name one such as Europe/Berlin."))

    def instant(self, key: str, zone: Zone) -> datetime | None:
        """Return a moment as naive UTC; local unless it has an offset.

        Refuses a local time that does not exist; warns of one that occurs twice and takes the
        first.
        """
        if key not in self:
            return None
        wall, instant = read_time(self.content[key], key, zone)
        if instant is not None:
            return instant
        first = zone.instant(wall)
        real = zone.local(first)
        if real != wall:
            raise RecurrenceError(
                "nonexistent_local_time",
                key,
                f"{wall:%H:%M} does not exist in {zone.name} on {wall.day} {wall:%B %Y} "
                "(the clocks go forward over it).",
                hint=f"Use {real:%H:%M}, or give a UTC offset.",
            )
        if wall.replace(tzinfo=zone.info, fold=1).utcoffset() != wall - first:
            self.cautions.append(
                Caution(
                    code="ambiguous_local_time",
                    field=key,
                    message=f"{wall:%H:%M} occurs twice in {zone.name} on {wall.day} {wall:%B %Y}; "
                    "the first is meant.",
                    hint="Give a UTC offset to mean the second.",
                )
            )
        return first


def read_time(value: Any, key: str, zone: Zone) -> tuple[datetime, datetime | None]:
    """Read an ISO 8601 time: its wall time in `zone`, and its naive UTC instant if it names one."""
    if not isinstance(value, str):
        raise RecurrenceError("wrong_type", key, f'"{key}" must be a text in ISO 8601.')
    try:
        moment = datetime.fromisoformat(value[:LONGEST_TEXT])
    except ValueError:
        raise RecurrenceError(
            "bad_date",
            key,
            f"{quoted(value)} is not a date and time.",
            hint="Write 2026-03-29T02:30:00, local to the time zone, or with an offset (+01:00).",
        ) from None
    if moment.microsecond:
        raise RecurrenceError(
            "fraction",
            key,
            f"{quoted(value)} has a fraction of a second; schedules go by whole seconds.",
        )
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise RecurrenceError(
            "out_of_range", key, f"{quoted(value)} is not in the years {FIRST_YEAR} to {LAST_YEAR}."
        )
    if moment.tzinfo is None:
        return moment, None
    instant = moment.astimezone(UTC).replace(tzinfo=None)
    return zone.local(instant), instant


def read_time_of_day(value: Any, key: str) -> time:
    """Read "09:00" or "17:30:15"."""
    parts = value.split(":") if isinstance(value, str) else []
    if not (2 <= len(parts) <= 3 and all(_is_number(part) for part in parts)):
        raise RecurrenceError(
            "bad_value", key, f"{quoted(value)} is not a time of day.", hint='Write "09:00".'
        )
    hour, minute, second = (*map(int, parts), 0)[:3]
    if hour > 23 or minute > 59 or second > 59:
        raise RecurrenceError(
            "out_of_range",
            key,
            f"{value} is not a time of day; use 00:00 to 23:59:59.",
            hint="Midnight is 00:00." if hour == 24 else None,
        )
    return time(hour, minute, second)


def quoted(value: Any) -> str:
    """Show a value of the user's in a message, shortened."""
    shown = value if isinstance(value, str) else str(value)
    return f'"{shown[:LONGEST_SHOWN]}{"…" if len(shown) > LONGEST_SHOWN else ""}"'


def listed(options: tuple[str, ...]) -> str:
    """Write "a, b or c"."""
    return f"{', '.join(options[:-1])} or {options[-1]}" if len(options) > 1 else options[0]


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= 2


def _unknown_key(key: str, known: tuple[str, ...]) -> RecurrenceError:
    close = get_close_matches(key, known, n=1)
    return RecurrenceError(
        "unknown_field",
        key[:LONGEST_SHOWN],
        f"{quoted(key)} is not known here; known are {', '.join(known)}.",
        hint=f"Did you mean {close[0]}?" if close else None,
    )
