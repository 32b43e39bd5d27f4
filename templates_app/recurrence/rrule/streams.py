"""Nominal times as whole seconds (day ordinal x 86,400 + time of day), without end or beginning."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from templates_app.recurrence.rrule.clock import (
    HOURS,
    SIXTY,
    Clock,
    ListedTimes,
    TimesOfDay,
    picked,
    set_indexes,
    times_from,
)
from templates_app.recurrence.rrule.dayrule import DayRule, day_limit
from templates_app.recurrence.rrule.daysource import DaySource
from templates_app.recurrence.rrule.frequency import Frequency
from templates_app.recurrence.rrule.gregorian import LAST_DAY, nth_bit
from templates_app.recurrence.rrule.parts import Parts
from templates_app.recurrence.rrule.slots import Slots

DAY = 86_400
_PERIODS = {Frequency.YEARLY: 400, Frequency.MONTHLY: 4_800, Frequency.WEEKLY: 20_872}
"""Periods in 400 years, after which the calendar repeats: the longest search for a set."""


class Stream(Protocol):
    """An increasing sequence of times that can be entered anywhere."""

    def since(self, second: int) -> Iterator[int]:
        """Yield every time at or after `second`."""
        ...


class DailyTimes:
    """Times of day on each of a set of days."""

    __slots__ = ("_days", "_times")

    def __init__(self, days: DaySource, times: TimesOfDay) -> None:
        self._days = days
        self._times = times

    def since(self, second: int) -> Iterator[int]:
        """See `Stream`."""
        times, following = self._times, self._days.next
        if not times.size:
            return
        start, rest = divmod(second, DAY)
        day = following(start)
        if day == start:
            for time in times_from(times, rest):
                yield day * DAY + time
            day = following(day + 1) if day < LAST_DAY else None
        only = times.at(0) if times.size == 1 else None
        while day is not None:
            if only is not None:
                yield day * DAY + only
            else:
                for time in times_from(times, 0):
                    yield day * DAY + time
            day = following(day + 1) if day < LAST_DAY else None


class PickedTimes:
    """The members of each period's set that BYSETPOS names, for periods longer than a day."""

    __slots__ = ("_days", "_most", "_positions", "_times")

    def __init__(
        self, days: DaySource, times: TimesOfDay, positions: Sequence[int], most: int
    ) -> None:
        self._days = days
        self._times = times
        self._positions = positions
        self._most = most

    def since(self, second: int) -> Iterator[int]:
        """See `Stream`. Sets are never written out: members are found by their places."""
        size, previous, tried = self._times.size, second - 1, 0
        # Months and years have few lengths.
        places: dict[int, list[int]] = {}
        for base, mask in self._days.periods(second // DAY):
            tried += 1
            count = mask.bit_count()
            if count not in places:
                places[count] = set_indexes(self._positions, count * size)
            for place in places[count]:
                day, time = divmod(place, size)
                at = (base + nth_bit(mask, day)) * DAY + self._times.at(time)
                if at > previous:
                    previous, tried = at, 0
                    yield at
            if tried > self._most:
                return


class SlottedTimes:
    """Times within each of a set of hours, minutes or seconds."""

    __slots__ = ("_slots", "_times", "_unit")

    def __init__(self, slots: Slots, unit: int, times: TimesOfDay) -> None:
        self._slots = slots
        self._unit = unit
        self._times = times

    def since(self, second: int) -> Iterator[int]:
        """See `Stream`."""
        times, unit, following = self._times, self._unit, self._slots.next
        if not times.size:
            return
        start, rest = divmod(second, unit)
        slot = following(start)
        if slot == start:
            for time in times_from(times, rest):
                yield slot * unit + time
            slot = following(slot + 1)
        only = times.at(0) if times.size == 1 else None
        while slot is not None:
            if only is not None:
                yield slot * unit + only
            else:
                for time in times_from(times, 0):
                    yield slot * unit + time
            slot = following(slot + 1)


def stream_of(parts: Parts, dtstart: datetime) -> Stream:
    """Return the times of a rule, before `dtstart` too where its pattern goes back that far."""
    if parts.freq > Frequency.DAILY:
        return _slotted(parts, dtstart)
    days = day_rule(parts, dtstart).source
    times = Clock(
        parts.byhour or (dtstart.hour,),
        parts.byminute or (dtstart.minute,),
        parts.bysecond or (dtstart.second,),
    )
    if not parts.bysetpos:
        return DailyTimes(days, times)
    if parts.freq is Frequency.DAILY:
        return DailyTimes(days, picked(times, parts.bysetpos))
    largest = max(len(parts.byday), 1) * times.size
    if parts.freq is Frequency.WEEKLY and min(map(abs, parts.bysetpos)) > largest:
        return DailyTimes(days, ListedTimes(()))
    return PickedTimes(days, times, parts.bysetpos, _PERIODS[parts.freq])


def day_rule(parts: Parts, dtstart: datetime) -> DayRule:
    """Return the days of a rule; for a frequency below a day, those its limits leave."""
    below = parts.freq > Frequency.DAILY
    return DayRule(
        freq=Frequency.DAILY if below else parts.freq,
        anchor=dtstart.date(),
        interval=1 if below else parts.interval,
        wkst=parts.wkst,
        bymonth=parts.bymonth,
        byweekno=parts.byweekno,
        byyearday=parts.byyearday,
        bymonthday=parts.bymonthday,
        byday=parts.byday,
        skip=parts.skip,
    )


def _slotted(parts: Parts, dtstart: datetime) -> SlottedTimes:
    minutes: Sequence[int] = (0,)
    seconds: Sequence[int] = (0,)
    limits: Clock | None = None
    match parts.freq:
        case Frequency.HOURLY:
            unit = 3600
            minutes = parts.byminute or (dtstart.minute,)
            seconds = parts.bysecond or (dtstart.second,)
            if parts.byhour:
                limits = Clock(parts.byhour, (0,), (0,))
        case Frequency.MINUTELY:
            unit = 60
            seconds = parts.bysecond or (dtstart.second,)
            if parts.byhour or parts.byminute:
                limits = Clock(parts.byhour or HOURS, parts.byminute or SIXTY, (0,))
        case _:
            unit = 1
            if parts.byhour or parts.byminute or parts.bysecond:
                limits = Clock(
                    parts.byhour or HOURS, parts.byminute or SIXTY, parts.bysecond or SIXTY
                )
    anchor = (dtstart.toordinal() * DAY + seconds_of_day(dtstart)) // unit
    days = day_limit(parts.bymonth, parts.byyearday, parts.bymonthday, parts.byday)
    slots = Slots(unit=unit, interval=parts.interval, anchor=anchor, days=days, times=limits)
    return SlottedTimes(slots, unit, picked(Clock((0,), minutes, seconds), parts.bysetpos))


def seconds_of_day(at: datetime) -> int:
    """Return the whole seconds since midnight."""
    return at.hour * 3600 + at.minute * 60 + at.second
