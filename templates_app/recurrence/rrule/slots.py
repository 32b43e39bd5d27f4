"""Hours, minutes or seconds at an interval: the grid of rules that repeat within a day.

A slot is an hour, minute or second of the calendar, counted from the ordinal 0. Slots step in
wall-clock time: a day always has 24 hours here (RFC 5545 leaves clock changes to the reader).
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from math import gcd

from templates_app.recurrence.rrule.clock import Clock
from templates_app.recurrence.rrule.cycledays import CycleDays
from templates_app.recurrence.rrule.gregorian import LAST_DAY
from templates_app.recurrence.rrule.yearmask import YearMask

_TRIES = 48
"""Steps of a plain search, enough for all but contrived rules, before the cycle is solved."""


class Slots:
    """Every `interval`-th slot from `anchor`, in slots of `unit` seconds, as two limits allow.

    `days` limits the days (BYMONTH, BYYEARDAY, BYMONTHDAY, BYDAY), `times` the slots of a day
    (BYHOUR; BYMINUTE and BYSECOND where the unit is that short).
    """

    def __init__(
        self, *, unit: int, interval: int, anchor: int, days: YearMask | None, times: Clock | None
    ) -> None:
        self._unit = unit
        self._per_day = 86_400 // unit
        self._interval = interval
        self._anchor = anchor
        self._limit = days
        self._days = CycleDays(0, 1, (0,), days) if days is not None else None
        self._times = times
        self._hard = False

    def next(self, slot: int) -> int | None:
        """Return the first slot at or after `slot`, or None when there is none."""
        found = self._solve(slot) if self._hard else self._search(slot)
        return found if found is None or found < (LAST_DAY + 1) * self._per_day else None

    def _search(self, slot: int) -> int | None:
        per_day, unit = self._per_day, self._unit
        for _ in range(_TRIES):
            slot += (self._anchor - slot) % self._interval
            day, rest = divmod(slot, per_day)
            if day > LAST_DAY:
                return None
            if self._days is not None:
                open_day = self._days.next(day)
                if open_day is None:
                    return None
                if open_day != day:
                    slot, day, rest = open_day * per_day, open_day, 0
            if self._times is not None:
                second = self._times.first_from(rest * unit)
                if second < 0:
                    slot = (day + 1) * per_day
                    continue
                slot = day * per_day + second // unit
            if (slot - self._anchor) % self._interval == 0:
                return slot
        self._hard = True
        return self._solve(slot)

    def _solve(self, slot: int) -> int | None:
        """Find the slot by arithmetic, without any search through times of day.

        Slots on the grid come back to the same time of day after `_cycle_days` days. Which steps
        of that cycle meet the limits of times is worked out once; the days on which they lie are
        a cycle again, met with the limits of days as that of a DAILY rule is.
        """
        if not self._steps:
            return None
        if self._limit is None:
            return self._from_steps(slot)
        day = slot // self._per_day
        while (open_day := self._open_days.next(day)) is not None:
            found = self._from_steps(max(slot, open_day * self._per_day))
            if found // self._per_day == open_day:
                return found
            day = open_day + 1
            if day > LAST_DAY:
                return None
        return None

    def _from_steps(self, slot: int) -> int:
        wanted = -((self._anchor - slot) // self._interval)
        cycle, step = divmod(wanted, self._cycle_steps)
        index = bisect_left(self._steps, step)
        if index == len(self._steps):
            cycle, index = cycle + 1, 0
        step = cycle * self._cycle_steps + self._steps[index]
        return self._anchor + step * self._interval

    @cached_property
    def _cycle_steps(self) -> int:
        return self._per_day // gcd(self._interval, self._per_day)

    @cached_property
    def _cycle_days(self) -> int:
        return self._interval // gcd(self._interval, self._per_day)

    @cached_property
    def _steps(self) -> Sequence[int]:
        """The steps of one cycle, from the anchor, that land on an admitted time of day."""
        if self._times is None:
            return range(self._cycle_steps)
        divisor = gcd(self._interval, self._per_day)
        inverse = pow(self._cycle_days, -1, self._cycle_steps) if self._cycle_steps > 1 else 0
        steps = []
        for index in range(self._times.size):
            ahead = self._times.at(index) // self._unit - self._anchor
            if ahead % divisor == 0:
                steps.append(ahead // divisor * inverse % self._cycle_steps)
        return sorted(steps)

    @cached_property
    def _open_days(self) -> CycleDays:
        first = self._anchor // self._per_day
        offsets = {
            (self._anchor + step * self._interval) // self._per_day - first for step in self._steps
        }
        length = self._cycle_days
        return CycleDays(first, length, sorted(o % length for o in offsets), self._limit)
