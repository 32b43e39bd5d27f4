"""What every kind of day rule can tell, and the kinds made of calendar years and months."""

from collections.abc import Iterator
from datetime import date
from typing import Protocol

from templates_app.recurrence.rrule.gregorian import (
    LAST_YEAR,
    MONTH_STARTS,
    MONTHS,
    is_leap,
    low_bit,
    new_year,
)
from templates_app.recurrence.rrule.yearmask import YearMask

Period = tuple[int, int]
"""The days of one period: the ordinal of bit 0, and a mask that is not 0."""


class DaySource(Protocol):
    """An endless set of days, without a first one: the anchor's bound is the caller's."""

    def next(self, day: int) -> int | None:
        """Return the first day at or after the ordinal `day`, or None when there is none."""
        ...

    def periods(self, day: int) -> Iterator[Period]:
        """Yield the periods that have days, from the one with `day` on (earlier days included)."""
        ...


class YearlyDays:
    """Every `interval` calendar years, counted from `anchor`, the days of a mask."""

    __slots__ = ("_anchor", "_interval", "_mask")

    def __init__(self, mask: YearMask, interval: int, anchor: date) -> None:
        self._mask = mask
        self._interval = interval
        self._anchor = anchor.year

    def next(self, day: int) -> int | None:
        """See `DaySource`."""
        year = date.fromordinal(day).year
        late = (year - self._anchor) % self._interval
        if late:
            year += self._interval - late
        else:
            left = self._mask.of(year) >> (day - new_year(year))
            if left:
                return day + low_bit(left)
            year += self._interval
        while year <= LAST_YEAR:
            mask = self._mask.of(year)
            if mask:
                return new_year(year) + low_bit(mask)
            year += self._interval
        return None

    def periods(self, day: int) -> Iterator[Period]:
        """See `DaySource`."""
        year = date.fromordinal(day).year
        year += (self._anchor - year) % self._interval
        while year <= LAST_YEAR:
            mask = self._mask.of(year)
            if mask:
                yield new_year(year), mask
            year += self._interval


class MonthlyDays:
    """Every `interval` months, counted from `anchor`, the days of a mask."""

    __slots__ = ("_anchor", "_interval", "_mask")

    def __init__(self, mask: YearMask, interval: int, anchor: date) -> None:
        self._mask = mask
        self._interval = interval
        self._anchor = anchor.year * 12 + anchor.month - 1

    def next(self, day: int) -> int | None:
        """See `DaySource`."""
        year = date.fromordinal(day).year
        left = self._year(year) >> (day - new_year(year))
        if left:
            return day + low_bit(left)
        while (year := self._year_after(year)) <= LAST_YEAR:
            mask = self._year(year)
            if mask:
                return new_year(year) + low_bit(mask)
        return None

    def periods(self, day: int) -> Iterator[Period]:
        """See `DaySource`."""
        start = date.fromordinal(day)
        index = start.year * 12 + start.month - 1
        index += (self._anchor - index) % self._interval
        while index < (LAST_YEAR + 1) * 12:
            year, month = divmod(index, 12)
            mask = self._mask.of(year) & MONTHS[is_leap(year)][month]
            if mask:
                offset = MONTH_STARTS[is_leap(year)][month]
                yield new_year(year) + offset, mask >> offset
            index += self._interval

    def _first_month(self, year: int) -> int:
        """Return the months from January of `year` to the next one that the interval meets."""
        return (self._anchor - year * 12) % self._interval

    def _year(self, year: int) -> int:
        if self._interval == 1:
            return self._mask.of(year)
        months = MONTHS[is_leap(year)]
        met = 0
        for month in range(self._first_month(year), 12, self._interval):
            met |= months[month]
        return self._mask.of(year) & met if met else 0

    def _year_after(self, year: int) -> int:
        return year + 1 + self._first_month(year + 1) // 12
