"""Days named by week numbers (BYWEEKNO)."""

from collections.abc import Iterator, Sequence
from datetime import date

from templates_app.recurrence.rrule.daysource import Period
from templates_app.recurrence.rrule.gregorian import (
    LAST_DAY,
    LAST_YEAR,
    low_bit,
    new_year,
    week_one,
)
from templates_app.recurrence.rrule.yearmask import YearMask


class WeekYearDays:
    """The weeks of every `interval`-th week-year, as far as `limit` agrees.

    A week-year runs from the start of its week 1 to that of the next, so it may hold days of the
    calendar years beside it. INTERVAL counts week-years from the *calendar* year of DTSTART, as
    libical does.
    """

    __slots__ = ("_anchor", "_interval", "_limit", "_week_start", "_weekdays", "_weeks")

    def __init__(
        self,
        *,
        weeks: Sequence[int],
        weekdays: Sequence[int],
        limit: YearMask | None,
        interval: int,
        anchor: date,
        week_start: int,
    ) -> None:
        self._weeks = weeks
        self._weekdays = sum(1 << (weekday - week_start) % 7 for weekday in set(weekdays))
        self._limit = limit
        self._interval = interval
        self._anchor = anchor.year
        self._week_start = week_start

    def next(self, day: int) -> int | None:
        """See `DaySource`."""
        for base, mask in self.periods(day):
            left = mask >> (day - base) if day > base else mask
            if left:
                found = max(day, base) + low_bit(left)
                return found if found <= LAST_DAY else None
        return None

    def periods(self, day: int) -> Iterator[Period]:
        """See `DaySource`."""
        year = self._week_year(day)
        year += (self._anchor - year) % self._interval
        while year <= LAST_YEAR:
            base = week_one(year, self._week_start)
            mask = self._mask(year, base)
            if base < 1:
                base, mask = 1, mask >> (1 - base)
            if mask:
                yield base, mask
            year += self._interval

    def _week_year(self, day: int) -> int:
        middle = day - (day - 1 - self._week_start) % 7 + 3
        return date.fromordinal(min(max(middle, 1), LAST_DAY)).year

    def _mask(self, year: int, base: int) -> int:
        count = (week_one(year + 1, self._week_start) - base) // 7
        bits = 0
        for week in self._weeks:
            if abs(week) <= count:
                bits |= self._weekdays << 7 * (week - 1 if week > 0 else count + week)
        if bits and self._limit is not None:
            bits &= self._limited(self._limit, year, base)
        return bits

    def _limited(self, limit: YearMask, year: int, base: int) -> int:
        bits = 0
        for neighbour in (year - 1, year, year + 1):
            shift = new_year(neighbour) - base
            mask = limit.of(neighbour) if neighbour >= 1 else 0
            bits |= mask << shift if shift >= 0 else mask >> -shift
        return bits
