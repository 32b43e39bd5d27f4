"""From a calendar's JSON to its definition. Strict: what is not understood is refused."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from templates_app.calendars import reading
from templates_app.calendars.definition import (
    MINUTES_OF_DAY,
    WEEKDAYS,
    DateRange,
    Definition,
    HourRange,
    Span,
    Yearly,
)
from templates_app.calendars.parse_holidays import parse_source
from templates_app.calendars.reading import MOST_DAYS, join, near_miss, sequence, shown
from templates_app.recurrence.errors import RecurrenceError

KEYS = ("holidays", "dates", "hours", "weekdays", "spans", "any_of", "except")
DATE_KEYS = ("date", "from", "to", "every_year", "name")
SPAN_KEYS = ("from", "to", "name")
MOST_ENTRIES = 5_000
MOST_HOLIDAYS = 50
MOST_RANGES_A_DAY = 48
MOST_MEMBERS = 50
DEEPEST = 3
DAY = timedelta(days=1)
LONGEST = timedelta(days=MOST_DAYS)

Entry = TypeVar("Entry")


def parse_definition(document: object) -> Definition:
    """Return the definition that a JSON object describes.

    Raises RecurrenceError, with the path of the faulty field: `empty`, `too_many_entries`,
    `too_deep`, and the codes of `reading` and `parse_holidays`.
    """
    definition = _definition(document, "", DEEPEST)
    _check_size(definition)
    return definition


def entries_of(definition: Definition) -> int:
    """Return how many entries a definition holds, its members' included."""
    own = sum(len(ranges) for ranges in definition.hours) + len(definition.weekdays)
    own += len(definition.holidays) + len(definition.dates) + len(definition.yearly)
    own += len(definition.spans)
    inner = (*definition.any_of, *((definition.exception,) if definition.exception else ()))
    return own + sum(entries_of(one) for one in inner)


def _definition(document: object, field: str, depth: int) -> Definition:
    if depth == 0:
        raise RecurrenceError("too_deep", field, "Calendars are nested too deeply.")
    parts = reading.mapping(document, field, KEYS)
    if not any(parts.get(key) for key in KEYS if key != "except"):
        raise RecurrenceError(
            "empty",
            field or "definition",
            "The calendar is empty.",
            hint=f"Give at least one of {', '.join(KEYS[:-1])}.",
        )
    dates = _entries(parts, field, "dates", MOST_ENTRIES, _dates)
    within = join(field, "except")
    excepted = parts.get("except")
    return Definition(
        holidays=_unique(_entries(parts, field, "holidays", MOST_HOLIDAYS, parse_source)),
        dates=_unique([one for one in dates if isinstance(one, DateRange)]),
        yearly=_unique([one for one in dates if isinstance(one, Yearly)]),
        hours=_hours(parts.get("hours"), join(field, "hours")),
        weekdays=_unique(_entries(parts, field, "weekdays", len(WEEKDAYS), _weekday)),
        spans=_spans(_entries(parts, field, "spans", MOST_ENTRIES, _span)),
        any_of=tuple(
            _entries(
                parts,
                field,
                "any_of",
                MOST_MEMBERS,
                lambda one, at: _definition(one, at, depth - 1),
            )
        ),
        exception=None if excepted is None else _definition(excepted, within, depth - 1),
    )


def _entries(
    parts: Mapping[str, object],
    field: str,
    key: str,
    most: int,
    parse: Callable[[object, str], Entry],
) -> list[Entry]:
    path = join(field, key)
    entries = sequence(parts.get(key, []), path)
    if len(entries) > most:
        raise RecurrenceError(
            "too_many_entries", path, f"{key} has {len(entries):,} entries; {most:,} are allowed."
        )
    return [parse(entry, join(path, position)) for position, entry in enumerate(entries)]


def _dates(value: object, field: str) -> DateRange | Yearly:
    if isinstance(value, str):
        day = reading.day(value, field)
        return DateRange(day, day, "")
    entry = reading.mapping(value, field, DATE_KEYS)
    title = reading.name(entry.get("name", ""), join(field, "name"))
    match tuple(key for key in DATE_KEYS if key in entry and key != "name"):
        case ("date",):
            day = reading.day(entry["date"], join(field, "date"))
            return DateRange(day, day, title)
        case ("from", "to"):
            first = reading.day(entry["from"], join(field, "from"))
            last = reading.day(entry["to"], join(field, "to"))
            reading.check_order(first, last + DAY, field, longest=LONGEST)
            return DateRange(first, last, title)
        case ("every_year",) | ("to", "every_year"):
            start = reading.day_of_year(entry["every_year"], join(field, "every_year"))
            end = reading.day_of_year(entry.get("to", entry["every_year"]), join(field, "to"))
            return Yearly(start, end, title)
    raise RecurrenceError(
        "bad_date",
        field,
        "An entry is one date, a range, or a day of every year.",
        hint='Write {"date": …}, {"from": …, "to": …} or {"every_year": "12-24"}.',
    )


def _hours(value: object, field: str) -> tuple[tuple[HourRange, ...], ...]:
    if value is None:
        return ()
    days = reading.mapping(value, field, WEEKDAYS)
    hours = tuple(
        _unique(_entries(days, field, weekday, MOST_RANGES_A_DAY, _hour_range))
        for weekday in WEEKDAYS
    )
    return hours if any(hours) else ()


def _hour_range(value: object, field: str) -> HourRange:
    ends = sequence(value, field)
    if len(ends) != 2:
        raise RecurrenceError(
            "bad_time", field, "A range has a start and an end.", hint='Write ["09:00", "17:30"].'
        )
    start = reading.minute_of_day(ends[0], join(field, 0))
    end = reading.minute_of_day(ends[1], join(field, 1))
    if start == MINUTES_OF_DAY:
        raise RecurrenceError(
            "bad_time",
            join(field, 0),
            "A range cannot start at 24:00.",
            hint="Write 00:00 of the next day.",
        )
    if start == end:
        raise RecurrenceError(
            "empty_window",
            join(field, 1),
            f"The window is empty: it starts and ends at {shown(ends[0])}.",
            hint="For a whole day use 00:00 to 24:00.",
        )
    return HourRange(start, end or MINUTES_OF_DAY)


def _weekday(value: object, field: str) -> int:
    if value in WEEKDAYS and isinstance(value, str):
        return WEEKDAYS.index(value)
    raise RecurrenceError(
        "unknown_weekday",
        field,
        f"{shown(value)} is not a weekday.",
        hint=near_miss(shown(value), WEEKDAYS) or f"Known are {', '.join(WEEKDAYS)}.",
    )


def _span(value: object, field: str) -> Span:
    entry = reading.mapping(value, field, SPAN_KEYS)
    title = reading.name(entry.get("name", ""), join(field, "name"))
    start = reading.moment(entry.get("from"), join(field, "from"))
    end = reading.moment(entry.get("to"), join(field, "to"))
    if (start.tzinfo is None) != (end.tzinfo is None):
        raise RecurrenceError(
            "mixed_offsets",
            join(field, "to"),
            "One end has an offset and the other has none.",
            hint="Give both an offset, or neither.",
        )
    reading.check_order(start, end, field, longest=LONGEST)
    return Span(start, end, title)


def _spans(spans: list[Span]) -> tuple[Span, ...]:
    ordered = sorted(spans, key=lambda one: (one.absolute, one.start, one.end, one.name))
    return tuple(dict.fromkeys(ordered))


def _unique(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(set(entries)))  # type: ignore[type-var]


def _check_size(definition: Definition) -> None:
    found = entries_of(definition)
    if found > MOST_ENTRIES:
        raise RecurrenceError(
            "too_many_entries",
            "definition",
            f"The calendar has {found:,} entries; {MOST_ENTRIES:,} are allowed.",
            hint="Split it into several calendars.",
        )
