"""Days that repeat in a cycle of so many days, as DAILY and WEEKLY rules do."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date

from templates_app.recurrence.rrule.daysource import Period
from templates_app.recurrence.rrule.gregorian import LAST_DAY, LAST_YEAR, low_bit, new_year
from templates_app.recurrence.rrule.yearmask import YearMask

_LONGEST_MASKED = 366
_MOST_TRIES = 25_000
"""More than the weeks in 400 years: the longest search of a cycle too long to be masked."""


class CycleDays:
    """Days at `offsets` from the start of each cycle of `length` days, on which `limit` agrees.

    A cycle starts on the ordinal `anchor`, and endlessly before and after. `offsets` are sorted,
    from 0 to below `length`.
    """

    __slots__ = ("_anchor", "_length", "_limit", "_offsets", "_repeated")

    def __init__(
        self, anchor: int, length: int, offsets: Sequence[int], limit: YearMask | None
    ) -> None:
        self._anchor = anchor
        self._length = length
        self._offsets = offsets
        self._limit = limit
        self._repeated = 0

    def next(self, day: int) -> int | None:
        """See `DaySource`."""
        if self._limit is None:
            found = self._unlimited(day)
            return found if found <= LAST_DAY else None
        if self._length > _LONGEST_MASKED:
            return self._leapfrog(day, self._limit)
        if not self._repeated:
            self._repeated = self._pattern()
        year = date.fromordinal(day).year
        first = new_year(year)
        while year <= LAST_YEAR:
            mask = self._limit.of(year)
            if mask and self._length > 1:
                mask &= self._repeated >> (first - self._anchor) % self._length
            if day > first:
                mask = mask >> (day - first) << (day - first)
            if mask:
                return first + low_bit(mask)
            year += 1
            first = new_year(year)
        return None

    def periods(self, day: int) -> Iterator[Period]:
        """See `DaySource`; a period is the part of a cycle that has offsets."""
        found = self.next(max(day - (day - self._anchor) % self._length, 1))
        while found is not None:
            base = found - (found - self._anchor) % self._length
            mask = 0
            for offset in self._offsets:
                if self._admits(base + offset):
                    mask |= 1 << offset
            yield base, mask
            following = base + self._length
            found = self.next(following) if following <= LAST_DAY else None

    def _admits(self, day: int) -> bool:
        if not 1 <= day <= LAST_DAY:
            return False
        return self._limit is None or self._limit.holds(day, date.fromordinal(day).year)

    def _unlimited(self, day: int) -> int:
        position = (day - self._anchor) % self._length
        index = bisect_left(self._offsets, position)
        if index < len(self._offsets):
            return day + self._offsets[index] - position
        return day + self._length - position + self._offsets[0]

    def _leapfrog(self, day: int, limit: YearMask) -> int | None:
        for _ in range(_MOST_TRIES):
            day = self._unlimited(day)
            if day > LAST_DAY:
                return None
            year = date.fromordinal(day).year
            left = limit.of(year) >> (day - new_year(year))
            if left & 1:
                return day
            while not left:
                year += 1
                if year > LAST_YEAR:
                    return None
                day = new_year(year)
                left = limit.of(year)
            day += low_bit(left)
        return None

    def _pattern(self) -> int:
        bits = sum(1 << offset for offset in self._offsets)
        width = self._length
        while width < _LONGEST_MASKED + self._length:
            bits |= bits << width
            width *= 2
        return bits
