"""A cron schedule: its fields and the wall-clock times that they name."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from templates_app.recurrence.cron.days import SHORTEST_MONTH, DayMatch, MonthMasks, days_in
from templates_app.recurrence.cron.terms import Field
from templates_app.recurrence.errors import Caution
from templates_app.recurrence.zones import LAST_YEAR

_LAST_SECOND = datetime(LAST_YEAR, 12, 31, 23, 59, 59)  # noqa: DTZ001  walls are naive
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Cron:
    """What a cron expression means, immutable and shared by everyone who parses the same text.

    `expression` is the text given with its blanks made single. `repeats_hours` tells that the hour
    field has `*` or `/`: a repetition, which runs in both passes of an hour that occurs twice.
    `years` is None where the expression has no year field. A field's `values` and `rules` are what
    it lists; `terms` is how it was written.
    """

    expression: str
    day_match: DayMatch
    repeats_hours: bool
    cautions: tuple[Caution, ...]
    seconds: Field
    minutes: Field
    hours: Field
    month_days: Field
    months: Field
    weekdays: Field
    years: Field | None
    _masks: MonthMasks = field(repr=False, compare=False)
    _month_wanted: tuple[bool, ...] = field(repr=False, compare=False)

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield every nominal local time at or after `start`, naive, in order.

        Ends after the last year of the year field, or with the year 9999. The first one is found
        by the month: some 80 years of empty months cost under a tenth of a millisecond.
        """
        if start.microsecond:
            if start > _LAST_SECOND:
                return
            start = start.replace(microsecond=0) + _SECOND
        today = (start.year, start.month, start.day)
        hours, minutes, seconds = self.hours.values, self.minutes.values, self.seconds.values
        for day in self._days(start):
            if day == today:
                yield from self._rest_of_day(start)
                continue
            year, month, day_of_month = day
            for hour in hours:
                for minute in minutes:
                    for second in seconds:
                        yield datetime(year, month, day_of_month, hour, minute, second)  # noqa: DTZ001

    def _rest_of_day(self, start: datetime) -> Iterator[datetime]:
        hours, minutes, seconds = self.hours.values, self.minutes.values, self.seconds.values
        year, month, day = start.year, start.month, start.day
        for hour in hours[bisect_left(hours, start.hour) :]:
            this_hour = hour == start.hour
            for minute in minutes[bisect_left(minutes, start.minute) if this_hour else 0 :]:
                this_minute = this_hour and minute == start.minute
                for second in seconds[bisect_left(seconds, start.second) if this_minute else 0 :]:
                    yield datetime(year, month, day, hour, minute, second)  # noqa: DTZ001

    def _days(self, start: datetime) -> Iterator[tuple[int, int, int]]:
        """Yield the matching dates from that of `start` on."""
        wanted, masks = self._month_wanted, self._masks
        year, month, from_day = start.year, start.month, start.day
        first = (start.isoweekday() - from_day + 1) % 7
        while True:
            if self.years is not None and year not in self.years.values:
                following = self._year_after(year)
                if following is None:
                    return
                year, month, from_day = following, 1, 1
                first = date(year, 1, 1).isoweekday() % 7
            length = days_in(year, month)
            if wanted[month]:
                mask = masks[length - SHORTEST_MONTH][first] >> from_day << from_day
                while mask:
                    lowest = mask & -mask
                    yield year, month, lowest.bit_length() - 1
                    mask ^= lowest
            from_day = 1
            first = (first + length) % 7
            month += 1
            if month > 12:
                month = 1
                year += 1
                if year > LAST_YEAR:
                    return

    def _year_after(self, year: int) -> int | None:
        if self.years is None:
            return year + 1
        at = bisect_left(self.years.values, year + 1)
        return self.years.values[at] if at < len(self.years.values) else None
