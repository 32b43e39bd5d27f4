"""Reading JSON strictly: every fault names its field, in words for the person who wrote it."""

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from difflib import get_close_matches

from templates_app.calendars.definition import MINUTES_OF_DAY
from templates_app.recurrence.errors import RecurrenceError

FIRST_YEAR, LAST_YEAR = 1990, 2199
MOST_DAYS = 366
LONGEST_NAME = 200
LONGEST_SHOWN = 40
MINUTE = timedelta(minutes=1)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_OF_YEAR = re.compile(r"[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def shown(value: object) -> str:
    """Return a value as it may be quoted in a message: short, on one line."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(char if char.isprintable() else "?" for char in text[: LONGEST_SHOWN + 1])
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def mapping(value: object, field: str, keys: Collection[str]) -> Mapping[str, object]:
    """Return a JSON object that has no other keys. Raises `not_an_object`, `unknown_key`."""
    if not isinstance(value, Mapping):
        raise RecurrenceError("not_an_object", field or "definition", "This is not a JSON object.")
    for key in value:
        if key not in keys:
            text = shown(key)
            raise RecurrenceError(
                "unknown_key",
                join(field, text) if text else field or "definition",
                f'"{text}" is not known here.',
                hint=near_miss(text, keys) or f"Known are {', '.join(keys)}.",
            )
    return value


def sequence(value: object, field: str) -> list[object]:
    """Return a JSON list. Raises `not_a_list`."""
    if not isinstance(value, list):
        raise RecurrenceError("not_a_list", field, f"{last(field)} is not a list.")
    return value


def name(value: object, field: str) -> str:
    """Return a name, stripped. Raises `bad_name`."""
    text = value.strip() if isinstance(value, str) else None
    if text is None or len(text) > LONGEST_NAME or not all(map(str.isprintable, text)):
        raise RecurrenceError(
            "bad_name",
            field,
            f"A name is a text of at most {LONGEST_NAME} characters on one line.",
        )
    return text


def day(value: object, field: str) -> date:
    """Return a date. Raises `bad_date`, `year_out_of_range`."""
    try:
        found = date.fromisoformat(_written(value, _DATE))
    except ValueError:
        raise RecurrenceError(
            "bad_date",
            field,
            f"{shown(value)} is not a date.",
            hint="Write year, month and day, such as 2026-12-24.",
        ) from None
    _check_year(found.year, field)
    return found


def day_of_year(value: object, field: str) -> tuple[int, int]:
    """Return (month, day). Raises `bad_date`."""
    try:
        found = date.fromisoformat(f"2000-{_written(value, _DAY_OF_YEAR)}")
    except ValueError:
        raise RecurrenceError(
            "bad_date",
            field,
            f"{shown(value)} is not a day of the year.",
            hint="Write month and day, such as 12-24.",
        ) from None
    return found.month, found.day


def minute_of_day(value: object, field: str) -> int:
    """Return minutes after midnight, 24:00 included. Raises `bad_time`."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    minute = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else -1
    if not 0 <= minute <= MINUTES_OF_DAY:
        raise RecurrenceError(
            "bad_time",
            field,
            f"{shown(value)} is not a time of day.",
            hint="Write hours and minutes from 00:00 to 24:00, such as 09:30.",
        )
    return minute


def moment(value: object, field: str) -> datetime:
    """Return a date and time on a whole minute, aware when it has an offset. Raises `bad_moment`,
    `not_a_whole_minute`, `year_out_of_range`."""
    try:
        found = datetime.fromisoformat(_written(value, _MOMENT))
    except ValueError:
        raise RecurrenceError(
            "bad_moment",
            field,
            f"{shown(value)} is not a date and time.",
            hint="Write 2026-05-01T22:00 for the template's time zone, or add an offset: +02:00.",
        ) from None
    _check_year(found.year, field)
    if found.second:
        raise RecurrenceError(
            "not_a_whole_minute",
            field,
            f"{shown(value)} is not on a whole minute.",
            hint="Leave the seconds at 00.",
        )
    return found


def check_order(start: date, end: date, field: str, *, longest: timedelta) -> None:
    """Raise `empty_window` or `too_long` unless `start` < `end` <= `start` + `longest`."""
    if end <= start:
        raise RecurrenceError(
            "empty_window",
            join(field, "to"),
            "The range is empty: it does not end after it starts.",
        )
    if end - start > longest:
        raise RecurrenceError(
            "too_long",
            join(field, "to"),
            f"The range is longer than {longest.days} days.",
            hint="Split it, or use every_year for what returns each year.",
        )


def near_miss(text: str, known: Collection[str]) -> str | None:
    """Return "Did you mean X?" for the known word that is closest, if one is close."""
    folded = {word.casefold(): word for word in known}
    close = get_close_matches(text.casefold()[:LONGEST_NAME], folded, n=1, cutoff=0.6)
    return f"Did you mean {folded[close[0]]}?" if close else None


def join(path: str, key: str | int) -> str:
    """Return the path of a key within the object at `path`."""
    return f"{path}.{key}" if path else str(key)


def last(path: str) -> str:
    """Return the last key of a path."""
    return path.rsplit(".", 1)[-1]


def _written(value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError
    return value


def _check_year(year: int, field: str) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RecurrenceError(
            "year_out_of_range",
            field,
            f"The year {year} is out of range {FIRST_YEAR}-{LAST_YEAR}.",
        )
