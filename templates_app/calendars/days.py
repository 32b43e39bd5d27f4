"""A calendar day by day: which times of each date are in its set, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from templates_app.calendars.calendar_set import WHOLE_DAY, CalendarSet, minutes_of
from templates_app.calendars.definition import MINUTES_OF_DAY
from templates_app.calendars.intervals import Interval, Intervals, merged, shifted
from templates_app.recurrence.zones import Zone

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class CoveredDay:
    """A date with times in the set: [start, end) in minutes after midnight, wall time."""

    date: date
    minutes: Intervals
    reasons: tuple[str, ...]

    @property
    def whole_day(self) -> bool:
        """Whether all of the date is in the set."""
        return self.minutes == WHOLE_DAY


def covered_days(
    calendar: CalendarSet, first: date, last: date, zone: Zone
) -> Iterator[CoveredDay]:
    """Yield each date from `first` to `last` (included) of which any time is in the calendar."""
    day = first
    while day <= last:
        minutes = _minutes(calendar, day, zone)
        if minutes:
            yield CoveredDay(day, minutes, _reasons(calendar, day, minutes, zone))
        day += DAY


def _minutes(calendar: CalendarSet, day: date, zone: Zone) -> Intervals:
    midnight = day.toordinal() * MINUTES_OF_DAY
    low, high = (minutes_of(zone.instant(_midnight(one))) for one in (day, day + DAY))
    if not calendar.has_absolute(low, high):
        return calendar.wall_minutes(day.toordinal())
    found: list[Interval] = []
    while low < high:
        # Where the clocks change within the day, its pieces overlap or leave a gap.
        stretch = zone.stretch(_midnight(date.fromordinal(1)) + (low - MINUTES_OF_DAY) * MINUTE)
        end, offset = min(high, minutes_of(stretch.end)), stretch.offset // MINUTE
        found += shifted(calendar.instants(low, end, offset), offset - midnight)
        low = end
    return merged(sorted(found))


def _reasons(calendar: CalendarSet, day: date, minutes: Intervals, zone: Zone) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for start, _ in minutes:
        local = _midnight(day) + start * MINUTE
        cover = calendar.covers(local, zone.instant(local))
        if cover is not None:
            found.setdefault(cover.words)
        if len(found) == MOST_REASONS:
            break
    return tuple(found)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall time
