"""Reading one JSON object: every key known, every value of its type, every fault named."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any, TypeVar

from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.shown import LONGEST_SHOWN, listed, quoted
from templates_app.recurrence.zones import LAST_YEAR, Zone, find_zone

# A year is left at either end, so that no offset and no clock change leaves the calendar.
FIRST_WRITTEN, LAST_WRITTEN = 1901, LAST_YEAR - 1
LONGEST_TEXT = 64
SECOND = timedelta(seconds=1)
Read = TypeVar("Read")


class Document:
    """The keys of one recurrence's JSON object. Reading marks a key as known."""

    def __init__(self, content: Any, known: tuple[str, ...]) -> None:
        if content is None:
            raise RecurrenceError(
                "required",
                "recurrence",
                "The recurrence is missing.",
                hint='For example {"kind": "daily", "times": ["09:00"], "timezone": "UTC"}.',
            )
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
            raise RecurrenceError(
                "wrong_type", key, f'"{key}" must be a list.', hint=f'Write "{key}": [...].'
            )
        if len(value) > most:
            raise RecurrenceError(
                "too_many", key, f'"{key}" may have at most {most:,} items; it has {len(value):,}.'
            )
        if not value and empty is not None:
            raise RecurrenceError("empty", key, empty)
        return value

    @staticmethod
    def each(items: list[Any], read: Callable[[Any], Read]) -> list[Read]:
        """Read the items of a list; a fault in one of several tells which, counting from 1."""
        found = []
        for position, item in enumerate(items, 1):
            try:
                found.append(read(item))
            except RecurrenceError as fault:
                if len(items) == 1:
                    raise
                raise RecurrenceError(
                    fault.code,
                    fault.field,
                    f"Item {position}: {fault.message}",
                    hint=fault.hint,
                ) from None
        return found

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
            self._twice(key, wall, zone, "Give a UTC offset to mean the second.")
        return first

    def end(self, key: str, zone: Zone) -> datetime | None:
        """Return a moment as `instant` does; a date alone is the last second of that local day."""
        value = self.content.get(key)
        day = _date_alone(value) if isinstance(value, str) else None
        if day is None:
            return self.instant(key, zone)
        check_range(str(value), key, datetime.combine(day, time()))
        midnight = datetime.combine(day, time(), zone.info) + timedelta(days=1)
        # Where midnight is missing the first reading is the gap's end; where it comes twice, the
        # second pass still belongs to the day.
        passes = [midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
        return max(passes).replace(tzinfo=None) - SECOND

    def wall(self, key: str, zone: Zone) -> datetime:
        """Return a local time, from which calendar steps are counted. Its key must be there.

        An offset is read as the zone's clock shows it; warns where that is the second pass.
        """
        wall, instant = read_time(self.content[key], key, zone)
        self.warn_of_second_pass(key, wall, instant, zone)
        return wall

    def warn_of_second_pass(
        self, key: str, wall: datetime, instant: datetime | None, zone: Zone
    ) -> None:
        """Warn of an instant that is the second pass of `wall`, for which local times are taken."""
        if instant is not None and zone.instant(wall) != instant:
            self._twice(key, wall, zone, 'Set "dst_overlap" to "second" to mean the second.')

    def _twice(self, key: str, wall: datetime, zone: Zone, hint: str) -> None:
        self.cautions.append(
            Caution(
                code="ambiguous_local_time",
                field=key,
                message=f"{wall:%H:%M} occurs twice in {zone.name} on {wall.day} {wall:%B %Y}; "
                "the first is meant.",
                hint=hint,
            )
        )


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
    check_range(value, key, moment)
    if moment.tzinfo is None:
        return moment, None
    instant = moment.astimezone(UTC).replace(tzinfo=None)
    wall = zone.local(instant)
    check_range(value, key, wall)
    return wall, instant


def check_range(written: str, key: str, moment: datetime) -> None:
    """Raise `out_of_range` for a year that is not 1901 to 9998."""
    if not FIRST_WRITTEN <= moment.year <= LAST_WRITTEN:
        raise RecurrenceError(
            "out_of_range",
            key,
            f"{quoted(written)} is not in the years {FIRST_WRITTEN} to {LAST_WRITTEN}.",
        )


def _date_alone(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _unknown_key(key: str, known: tuple[str, ...]) -> RecurrenceError:
    close = get_close_matches(key, known, n=1)
    return RecurrenceError(
        "unknown_field",
        key[:LONGEST_SHOWN],
        f"{quoted(key)} is not known here; known are {', '.join(known)}.",
        hint=f"Did you mean {close[0]}?" if close else None,
    )
