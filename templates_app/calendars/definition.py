"""A calendar's definition as a value, and its canonical JSON."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from templates_app.calendars.sources import Source

WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
MINUTES_OF_DAY = 24 * 60

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class DateRange:
    """Whole days from `first` to `last`, both included."""

    first: date
    last: date
    name: str

    def document(self) -> Json:
        """Return its JSON."""
        if self.first == self.last:
            return _named({"date": self.first.isoformat()}, self.name)
        days = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        return _named(days, self.name)


@dataclass(frozen=True, slots=True, order=True)
class Yearly:
    """Whole days of every year, (month, day) both included; may run over the turn of the year.

    29 February is in the set in leap years only.
    """

    first: tuple[int, int]
    last: tuple[int, int]
    name: str

    def covers(self, month_and_day: tuple[int, int]) -> bool:
        """Tell whether the set holds this day of the year."""
        if self.first <= self.last:
            return self.first <= month_and_day <= self.last
        return month_and_day >= self.first or month_and_day <= self.last

    def document(self) -> Json:
        """Return its JSON."""
        days = {"every_year": "{:02d}-{:02d}".format(*self.first)}
        if self.first != self.last:
            days["to"] = "{:02d}-{:02d}".format(*self.last)
        return _named(days, self.name)


@dataclass(frozen=True, slots=True, order=True)
class HourRange:
    """Minutes of a weekday, `end` excluded; an `end` at or before `start` is on the next day."""

    start: int
    end: int

    @property
    def words(self) -> str:
        """The range as it is written, "09:00-17:30"."""
        return f"{clock(self.start)}-{clock(self.end)}"


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end` (excluded), whole minutes. Naive: in the template's time zone."""

    start: datetime
    end: datetime
    name: str

    @property
    def absolute(self) -> bool:
        """Whether the span is between two instants, the same in every zone."""
        return self.start.tzinfo is not None

    def document(self) -> Json:
        """Return its JSON."""
        ends = {"from": self.start.isoformat(), "to": self.end.isoformat()}
        return _named(ends, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What is in a calendar's set: all of its parts together, less `exception`.

    `hours` has one tuple per weekday from Monday, or is empty. Parts are sorted, without doubles.
    """

    holidays: tuple[Source, ...] = ()
    dates: tuple[DateRange, ...] = ()
    yearly: tuple[Yearly, ...] = ()
    hours: tuple[tuple[HourRange, ...], ...] = ()
    weekdays: tuple[int, ...] = ()
    spans: tuple[Span, ...] = ()
    any_of: tuple["Definition", ...] = ()
    exception: "Definition | None" = None

    def document(self) -> Json:
        """Return the canonical JSON; parsing it gives an equal definition."""
        parts: Json = {
            "holidays": [_source(source) for source in self.holidays],
            "dates": [
                *(one.document() for one in self.dates),
                *(one.document() for one in self.yearly),
            ],
            "hours": {
                WEEKDAYS[day]: [[clock(one.start), clock(one.end)] for one in ranges]
                for day, ranges in enumerate(self.hours)
                if ranges
            },
            "weekdays": [WEEKDAYS[day] for day in self.weekdays],
            "spans": [span.document() for span in self.spans],
            "any_of": [one.document() for one in self.any_of],
            "except": self.exception.document() if self.exception else None,
        }
        return {key: part for key, part in parts.items() if part}


def clock(minute: int) -> str:
    """Return a minute of the day as "09:30"; the day's end is "24:00"."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _source(source: Source) -> Json:
    place: Json = {"market": source.market} if source.market else {"country": source.country}
    if source.region:
        place["region"] = source.region
    return place | {"categories": list(source.categories)}


def _named(document: dict[str, str], name: str) -> Json:
    return {**document, "name": name} if name else {**document}
