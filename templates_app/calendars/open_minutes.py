"""The open minutes of a day: what is left of it by the calendars that are avoided and kept to."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from templates_app.calendars.calendar_set import CalendarSet, minutes_of
from templates_app.calendars.definition import MINUTES_OF_DAY
from templates_app.calendars.intervals import Intervals, difference, intersection
from templates_app.recurrence.zones import Zone

# What is remembered of one template's days; a year and a half of either kind.
MOST_REMEMBERED = 550
MINUTE = timedelta(minutes=1)


class OpenMinutes:
    """What the calendars leave open in a zone, worked out a day at a time and remembered."""

    def __init__(
        self, avoid: tuple[CalendarSet, ...], keep_to: tuple[CalendarSet, ...], zone: Zone
    ) -> None:
        self._avoid = avoid
        self._keep_to = keep_to
        self._zone = zone
        self._dates: dict[int, Intervals | None] = {}
        self._utc_days: dict[int, Intervals] = {}

    def of_date(self, ordinal: int) -> Intervals | None:
        """Return the open minutes of a local date, from its midnight.

        None where spans with an offset are near: there the minutes on the wall do not tell.
        """
        try:
            return self._dates[ordinal]
        except KeyError:
            found = self._on_the_wall(ordinal)
        if len(self._dates) >= MOST_REMEMBERED:
            self._dates.clear()
        self._dates[ordinal] = found
        return found

    def of_utc_day(self, number: int) -> Intervals:
        """Return the open minutes of one day of UTC, as `minutes_of` counts them."""
        found = self._utc_days.get(number)
        if found is None:
            if len(self._utc_days) >= MOST_REMEMBERED:
                self._utc_days.clear()
            pieces = self._pieces(number * MINUTES_OF_DAY, (number + 1) * MINUTES_OF_DAY)
            found = tuple(one for piece in pieces for one in self._open_in(*piece))
            self._utc_days[number] = found
        return found

    def _on_the_wall(self, ordinal: int) -> Intervals | None:
        near = (ordinal - 1) * MINUTES_OF_DAY, (ordinal + 2) * MINUTES_OF_DAY
        if any(one.has_absolute(*near) for one in (*self._avoid, *self._keep_to)):
            return None
        found: Intervals = ((0, MINUTES_OF_DAY),)
        for calendar in self._keep_to:
            found = intersection(found, calendar.wall_minutes(ordinal))
        for calendar in self._avoid:
            found = difference(found, calendar.wall_minutes(ordinal))
        return found

    def _pieces(self, low: int, high: int) -> Iterator[tuple[int, int, int]]:
        """Cut UTC minutes where the offset changes."""
        while low < high:
            stretch = self._zone.stretch(moment_of(low))
            end = min(high, minutes_of(stretch.end))
            yield low, end, stretch.offset // MINUTE
            low = end

    def _open_in(self, low: int, high: int, offset: int) -> Intervals:
        found: Intervals = ((low, high),)
        for calendar in self._keep_to:
            found = intersection(found, calendar.instants(low, high, offset))
        for calendar in self._avoid:
            found = difference(found, calendar.instants(low, high, offset))
        return found


def moment_of(minute: int) -> datetime:
    """Return the naive datetime of a count of minutes (`minutes_of`)."""
    day, rest = divmod(minute, MINUTES_OF_DAY)
    return datetime.fromordinal(day) + rest * MINUTE
