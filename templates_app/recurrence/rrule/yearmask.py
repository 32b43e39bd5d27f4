"""The days of a year that BYMONTH, BYYEARDAY, BYMONTHDAY and BYDAY leave."""

from collections.abc import Iterable, Sequence

from templates_app.recurrence.rrule.frequency import Weekday
from templates_app.recurrence.rrule.gregorian import (
    FULL_YEAR,
    MONTH_DAYS,
    MONTH_STARTS,
    MONTHS,
    SEVENTH_DAYS,
    is_leap,
    new_year,
)

_UNKNOWN = -1


class YearMask:
    """Days on which every given part agrees; a part with no values admits every day.

    The numbers in `weekdays` count within each month of `months` when `nth_within` is "month",
    within the year when it is "year" (RFC 5545 section 3.3.10, BYDAY).
    """

    __slots__ = ("_layouts", "_month_days", "_months", "_nth_within", "_weekdays", "_year_days")

    def __init__(
        self,
        *,
        months: Sequence[int] = (),
        year_days: Sequence[int] = (),
        month_days: Sequence[int] = (),
        weekdays: Sequence[Weekday] = (),
        nth_within: str = "month",
    ) -> None:
        self._months = months
        self._year_days = year_days
        self._month_days = month_days
        self._weekdays = weekdays
        self._nth_within = nth_within
        self._layouts = [_UNKNOWN] * 14

    def of(self, year: int) -> int:
        """Return the mask of `year`."""
        leap = is_leap(year)
        first_weekday = (new_year(year) - 1) % 7
        layout = first_weekday + 7 if leap else first_weekday
        mask = self._layouts[layout]
        if mask == _UNKNOWN:
            mask = self._layouts[layout] = self._build(int(leap), first_weekday)
        return mask

    def holds(self, ordinal: int, year: int) -> bool:
        """Say whether the day `ordinal`, which lies in `year`, is admitted."""
        return bool(self.of(year) >> (ordinal - new_year(year)) & 1)

    def _build(self, leap: int, first_weekday: int) -> int:
        mask = FULL_YEAR[leap]
        if self._months:
            months = MONTHS[leap]
            mask &= _union(months[month - 1] for month in self._months)
        if self._month_days:
            days = MONTH_DAYS[leap]
            mask &= _union(days[day] for day in self._month_days)
        if self._year_days:
            mask &= self._year_day_bits(leap)
        if self._weekdays:
            mask &= _union(
                self._nth_bits(nth, weekday, leap, first_weekday)
                if nth
                else SEVENTH_DAYS[(weekday - first_weekday) % 7]
                for nth, weekday in self._weekdays
            )
        return mask

    def _year_day_bits(self, leap: int) -> int:
        length = 365 + leap
        bits = 0
        for day in self._year_days:
            if abs(day) <= length:
                bits |= 1 << (day - 1 if day > 0 else length + day)
        return bits

    def _nth_bits(self, nth: int, weekday: int, leap: int, first_weekday: int) -> int:
        starts = MONTH_STARTS[leap]
        if self._nth_within == "year":
            return _nth_weekday(nth, (weekday - first_weekday) % 7, 0, starts[12])
        offset = (weekday - first_weekday) % 7
        months = self._months or range(1, 13)
        return _union(
            _nth_weekday(nth, offset, starts[month - 1], starts[month]) for month in months
        )


def _union(masks: Iterable[int]) -> int:
    bits = 0
    for mask in masks:
        bits |= mask
    return bits


def _nth_weekday(nth: int, offset: int, first: int, end: int) -> int:
    """Return the bit of the nth day congruent to `offset` modulo 7 within [first, end), or 0."""
    if nth > 0:
        day = first + (offset - first) % 7 + 7 * (nth - 1)
        return 1 << day if day < end else 0
    day = end - 1 - (end - 1 - offset) % 7 + 7 * (nth + 1)
    return 1 << day if day >= first else 0
