"""A calendar as a set of times: is this time in it, and why.

Wall times are naive; instants are naive UTC, as in `templates_app.recurrence`. Inside, both are
counted in whole minutes (`minutes_of`). Whole days, weekly hours and spans without an offset are
compared with the wall time, spans with an offset with the instant.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from typing import Literal

from templates_app.calendars import wording
from templates_app.calendars.definition import MINUTES_OF_DAY, Definition, HourRange, Json, Span
from templates_app.calendars.intervals import (
    EMPTY,
    Intervals,
    NamedIntervals,
    difference,
    intersection,
    merged,
    shifted,
    union,
)
from templates_app.calendars.parse import parse_definition

WHOLE_DAY: Intervals = ((0, MINUTES_OF_DAY),)
WEEK = 7

Kind = Literal["date", "holiday", "weekday", "hours", "span"]


@dataclass(frozen=True, slots=True)
class Cover:
    """Why a time is in a calendar. `words` is for people: "Christmas Day (Spain)", "Saturday"."""

    kind: Kind
    words: str


class CalendarSet:
    """An immutable set of times. Two are equal when their definitions and names are."""

    def __init__(self, definition: Definition, name: str = "") -> None:
        self.definition = definition
        self.name = name
        self._members = tuple(CalendarSet(one) for one in definition.any_of)
        self._exception = CalendarSet(definition.exception) if definition.exception else None
        self._days = NamedIntervals.of(
            (one.first.toordinal(), one.last.toordinal() + 1, one.name) for one in definition.dates
        )
        self._weekly = _weekly(definition.hours)
        self._walls = _named(span for span in definition.spans if not span.absolute)
        self._absolute = _named(span for span in definition.spans if span.absolute)
        self._hash = hash((definition, name))

    def __repr__(self) -> str:
        return f"CalendarSet({self.describe()!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CalendarSet):
            return NotImplemented
        return self.name == other.name and self.definition == other.definition

    def __hash__(self) -> int:
        return self._hash

    def document(self) -> Json:
        """Return the canonical JSON of the definition."""
        return self.definition.document()

    def describe(self) -> str:
        """Return a phrase for a sentence: the calendar's name, or what it holds."""
        return self.name or wording.phrase(self.definition)

    def covers(self, local: datetime, instant: datetime) -> Cover | None:
        """Return why a time is in the set; None when it is not.

        `local` is the naive wall time in the template's zone, `instant` the same in naive UTC.
        """
        if self._exception and self._exception.covers(local, instant):
            return None
        own = self._day_cover(local) or self._time_cover(local, instant)
        if own:
            return own
        found = (member.covers(local, instant) for member in self._members)
        return next((cover for cover in found if cover), None)

    def absence(self, local: datetime, instant: datetime) -> str:
        """Return why a time that is not in the set is not: "outside 09:00-17:30"."""
        excepted = self._exception.covers(local, instant) if self._exception else None
        if excepted:
            return excepted.words
        if not self.definition.hours or self._members:
            return f"outside {self.describe()}"
        weekday = local.weekday()
        ranges = self.definition.hours[weekday]
        if ranges:
            return f"outside {wording.hours_of_day(ranges)}"
        spilled = [HourRange(start, end) for start, end in self._weekly[weekday]]
        if spilled:
            return f"outside {wording.hours_of_day(spilled)}"
        return f"closed on {wording.DAY_NAMES[weekday]}s"

    def wall_minutes(self, ordinal: int) -> Intervals:
        """Return the minutes of a local date (proleptic ordinal) in the set, as wall times.

        Spans with an offset are left out: see `instants` and `has_absolute`.
        """
        own = self._own_wall_minutes(ordinal)
        if self._members:
            own = union(own, *(member.wall_minutes(ordinal) for member in self._members))
        if self._exception:
            own = difference(own, self._exception.wall_minutes(ordinal))
        return own

    def instants(self, low: int, high: int, offset: int) -> Intervals:
        """Return the UTC minutes of [low, high) in the set, where one offset (minutes) holds."""
        own = self._own_instants(low, high, offset)
        if self._members:
            own = union(own, *(member.instants(low, high, offset) for member in self._members))
        if self._exception:
            own = difference(own, self._exception.instants(low, high, offset))
        return own

    def has_absolute(self, low: int, high: int) -> bool:
        """Tell whether a span with an offset touches the UTC minutes [low, high)."""
        return bool(self._all_absolute.within(low, high)) if self._all_absolute else False

    @cached_property
    def _all_absolute(self) -> NamedIntervals:
        return _named(span for span in _spans(self.definition) if span.absolute)

    def _own_instants(self, low: int, high: int, offset: int) -> Intervals:
        start, end = low + offset, high + offset
        days: list[tuple[int, int]] = []
        for ordinal in range(start // MINUTES_OF_DAY, (end - 1) // MINUTES_OF_DAY + 1):
            midnight = ordinal * MINUTES_OF_DAY - offset
            days.extend(shifted(self._own_wall_minutes(ordinal), midnight))
        own = intersection(merged(days), ((low, high),))
        return union(own, self._absolute.within(low, high)) if self._absolute else own

    def _own_wall_minutes(self, ordinal: int) -> Intervals:
        if self._day_cover(date.fromordinal(ordinal)):
            return WHOLE_DAY
        hours = self._weekly[(ordinal - 1) % WEEK] if self._weekly else EMPTY
        if not self._walls:
            return hours
        midnight = ordinal * MINUTES_OF_DAY
        walls = self._walls.within(midnight, midnight + MINUTES_OF_DAY)
        return union(hours, shifted(walls, -midnight))

    def _day_cover(self, day: date) -> Cover | None:
        name = self._days.name_at(day.toordinal()) if self._days else None
        if name is not None:
            return Cover("date", name or f"{day:%Y-%m-%d}")
        for yearly in self.definition.yearly:
            if yearly.covers((day.month, day.day)):
                return Cover("date", yearly.name or f"{day.day} {day:%B}")
        if self.definition.holidays:
            plain = date(day.year, day.month, day.day)
            for source in self.definition.holidays:
                holiday = source.name_on(plain)
                if holiday:
                    return Cover("holiday", holiday)
        if day.weekday() in self.definition.weekdays:
            return Cover("weekday", wording.DAY_NAMES[day.weekday()])
        return None

    def _time_cover(self, local: datetime, instant: datetime) -> Cover | None:
        for spans, at in ((self._walls, local), (self._absolute, instant)):
            name = spans.name_at(minutes_of(at)) if spans else None
            if name is not None:
                return Cover("span", name or "a closed period")
        if not self._weekly:
            return None
        minute = local.hour * 60 + local.minute
        if any(start <= minute < end for start, end in self._weekly[local.weekday()]):
            return Cover("hours", f"within {self.describe()}")
        return None


def parse_calendar(document: object, name: str = "") -> CalendarSet:
    """Return the calendar that a JSON object describes; the same object for the same text.

    Raises RecurrenceError, whose `field` is the path within the document.
    """
    try:
        text = json.dumps(document, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        # Not JSON: the parser says which part is not.
        return CalendarSet(parse_definition(document), name)
    return _parse_text(text, name)


def combine(*calendars: CalendarSet, name: str = "") -> CalendarSet:
    """Return the calendar that holds whatever any of the calendars holds."""
    members = dict.fromkeys(calendar.definition for calendar in calendars)
    return CalendarSet(Definition(any_of=tuple(members)), name)


def minutes_of(moment: datetime) -> int:
    """Return whole minutes since the start of the proleptic calendar, of a wall time or instant."""
    return moment.toordinal() * MINUTES_OF_DAY + moment.hour * 60 + moment.minute


@lru_cache(maxsize=256)
def _parse_text(text: str, name: str) -> CalendarSet:
    return CalendarSet(parse_definition(json.loads(text)), name)


def _weekly(hours: tuple[tuple[HourRange, ...], ...]) -> tuple[Intervals, ...]:
    """Return the minutes of each weekday; what runs past midnight goes to the next day."""
    days: list[list[tuple[int, int]]] = [[] for _ in range(WEEK)]
    for weekday, ranges in enumerate(hours):
        for one in ranges:
            if one.start < one.end:
                days[weekday].append((one.start, one.end))
            else:
                days[weekday].append((one.start, MINUTES_OF_DAY))
                days[(weekday + 1) % WEEK].append((0, one.end))
    return tuple(merged(sorted(day)) for day in days) if hours else ()


def _named(spans: Iterator[Span]) -> NamedIntervals:
    return NamedIntervals.of(
        (_span_minute(span.start), _span_minute(span.end), span.name) for span in spans
    )


def _span_minute(end: datetime) -> int:
    return minutes_of(end.astimezone(UTC) if end.tzinfo else end)


def _spans(definition: Definition) -> Iterator[Span]:
    yield from definition.spans
    for member in definition.any_of:
        yield from _spans(member)
    if definition.exception:
        yield from _spans(definition.exception)
