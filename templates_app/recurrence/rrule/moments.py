"""Dates and times written as text: UNTIL, DTSTART, RDATE and EXDATE."""

import re
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.months import MONTH_NAMES

_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII | re.IGNORECASE)
_WRITTEN = re.compile(
    r"(\d{4})(-?)(\d\d)\2(\d\d)"
    r"(?:[T ](\d\d)(:?)(\d\d)(?:\6(\d\d)(?:[.,]0+)?)?(Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)


class Written(NamedTuple):
    """A local time as it was written: as a date alone, or with an offset.

    `instant` is naive UTC, and None where no offset names one.
    """

    at: datetime
    all_day: bool = False
    instant: datetime | None = None


def read_until(part: str, text: str) -> datetime | date:
    """Return the instant that UNTIL names, or the last local day.

    Raises `RecurrenceError` for a date that does not exist (`bad_date`), and for a local time,
    which RFC 5545 forbids where DTSTART has a zone (`until_needs_utc`).
    """
    match = _UNTIL.fullmatch(text)
    if match is None:
        raise RecurrenceError(
            "bad_date",
            part,
            f'{part}: "{text[:40]}" is not a date or a time in UTC.',
            hint="Example: UNTIL=20261231T235959Z",
        )
    year, month, day, hour, minute, second, utc = match.groups()
    on = _date(part, int(year), int(month), int(day))
    if hour is None:
        return on
    at = _time(part, int(hour), int(minute), int(second))
    if not utc:
        raise RecurrenceError(
            "until_needs_utc",
            part,
            "With a time zone, UNTIL must be in UTC: end it with Z.",
            hint=f"UNTIL={text.upper()}Z",
        )
    return datetime.combine(on, at, UTC)


def read_wall(field: str, text: str, zone: ZoneInfo) -> Written:
    """Return the local time in `zone` that a text names.

    Takes ISO 8601 and the basic form of iCalendar; a date alone is its midnight; a time with an
    offset or Z is an instant, and read as the zone's clock shows it. Raises `RecurrenceError`
    with the code `bad_date`.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise RecurrenceError(
            "bad_date",
            field,
            f'"{text[:40]}" is not a date and time.',
            hint="Example: 2026-12-31T09:00:00",
        )
    year, _, month, day, hour, _, minute, second, offset = match.groups()
    on = _date(field, int(year), int(month), int(day))
    if hour is None:
        return Written(datetime.combine(on, time()), all_day=True)
    at = datetime.combine(on, _time(field, int(hour), int(minute), int(second or 0)))
    return _localised(field, at, offset, zone) if offset else Written(at)


def _localised(field: str, at: datetime, offset: str, zone: ZoneInfo) -> Written:
    try:
        instant = datetime.fromisoformat(at.isoformat() + offset.upper()).astimezone(UTC)
        wall = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        return Written(wall, instant=instant.replace(tzinfo=None))
    except ValueError:
        raise RecurrenceError(
            "bad_date", field, f'"{offset}" is not a UTC offset of that date.'
        ) from None
    except OverflowError:
        raise RecurrenceError(
            "out_of_range", field, f"{field}: {at.isoformat()} leaves the years 1 to 9999."
        ) from None


def _date(field: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        named = f"{day} {MONTH_NAMES[month]}" if 1 <= month <= 12 else f"{year:04}-{month:02}"
        raise RecurrenceError("bad_date", field, f"{field}: {named} does not exist.") from None


def _time(field: str, hour: int, minute: int, second: int) -> time:
    if hour > 23 or minute > 59 or second > 60:
        raise RecurrenceError(
            "bad_date", field, f"{field}: {hour:02}:{minute:02}:{second:02} is not a time of day."
        )
    return time(hour, minute, min(second, 59))
