"""Dates that do not exist, moved instead of left out (RFC 7529 section 4.1, SKIP)."""

from collections.abc import Iterator, Sequence
from datetime import date

from templates_app.recurrence.rrule.daysource import Period
from templates_app.recurrence.rrule.gregorian import (
    LAST_DAY,
    LAST_YEAR,
    MONTH_STARTS,
    is_leap,
    low_bit,
    new_year,
)
from templates_app.recurrence.rrule.yearmask import YearMask


class SkippedDays:
    """Days of months and of years, of which those that do not exist move to a neighbour.

    BACKWARD moves to the day before the gap (31 April becomes 30 April), FORWARD to the day after
    it (1 May). The parts apply in RFC 7529's order: BYMONTH, BYYEARDAY, BYMONTHDAY, SKIP, BYDAY.
    `months_in_period` is 1 for MONTHLY, 12 for YEARLY; a moved day belongs to the period it is
    moved from.
    """

    __slots__ = (
        "_anchor",
        "_forward",
        "_interval",
        "_length",
        "_month_days",
        "_months",
        "_weekdays",
        "_year_days",
    )

    def __init__(
        self,
        *,
        months_in_period: int,
        interval: int,
        anchor: date,
        months: Sequence[int],
        year_days: Sequence[int],
        month_days: Sequence[int],
        weekdays: YearMask | None,
        forward: bool,
    ) -> None:
        self._length = months_in_period
        self._interval = interval
        self._anchor = (anchor.year * 12 + anchor.month - 1) // months_in_period
        self._months = frozenset(months or range(1, 13))
        self._year_days = year_days
        self._month_days = month_days
        self._weekdays = weekdays
        self._forward = forward

    def next(self, day: int) -> int | None:
        """See `DaySource`."""
        for base, mask in self.periods(day):
            left = mask >> (day - base) if day > base else mask
            if left:
                return max(day, base) + low_bit(left)
        return None

    def periods(self, day: int) -> Iterator[Period]:
        """See `DaySource`; starts one period early, whose last day may have moved to `day`."""
        start = date.fromordinal(day)
        index = (start.year * 12 + start.month - 1) // self._length - 1
        index += (self._anchor - index) % self._interval
        while index * self._length < (LAST_YEAR + 1) * 12:
            if index * self._length >= 12:
                days = self._days(index)
                if days:
                    base = min(days)
                    yield base, sum(1 << (day - base) for day in days)
            index += self._interval

    def _days(self, index: int) -> set[int]:
        year, first = divmod(index * self._length, 12)
        months = [m for m in range(first + 1, first + self._length + 1) if m in self._months]
        days: set[int] | None = None
        if self._year_days:
            days = {
                day
                for day in self._moved(self._year_days, new_year(year), 365 + is_leap(year))
                if self._month_of(day) in self._months
            }
        if self._month_days:
            starts = MONTH_STARTS[is_leap(year)]
            named: set[int] = set()
            for month in months:
                base = new_year(year) + starts[month - 1]
                named |= self._moved(self._month_days, base, starts[month] - starts[month - 1])
            days = named if days is None else days & named
        return {day for day in days or () if 1 <= day <= LAST_DAY and self._on_weekday(day)}

    def _moved(self, wanted: Sequence[int], base: int, length: int) -> set[int]:
        """Return the ordinals of days counted from 1, or from -1 back, in a span of days."""
        days = set()
        for day in wanted:
            if day > length:
                days.add(base + length - (not self._forward))
            elif day < -length:
                days.add(base - (not self._forward))
            else:
                days.add(base + (day - 1 if day > 0 else length + day))
        return days

    def _month_of(self, day: int) -> int:
        return date.fromordinal(day).month if 1 <= day <= LAST_DAY else 1

    def _on_weekday(self, day: int) -> bool:
        return self._weekdays is None or self._weekdays.holds(day, date.fromordinal(day).year)
