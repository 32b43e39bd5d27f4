"""Times of day, in seconds from midnight."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Protocol

HOURS = tuple(range(24))
SIXTY = tuple(range(60))


class TimesOfDay(Protocol):
    """A sorted set of times of day."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def first_from(self, second: int) -> int:
        """Return the first time at or after `second`, or -1."""
        ...

    def at(self, index: int) -> int:
        """Return the time that has `index` times before it."""
        ...


class ListedTimes:
    """Times written out one by one."""

    __slots__ = ("_times", "size")

    def __init__(self, times: Sequence[int]) -> None:
        self._times = times
        self.size = len(times)

    def first_from(self, second: int) -> int:
        """See `TimesOfDay`."""
        index = bisect_left(self._times, second)
        return self._times[index] if index < self.size else -1

    def at(self, index: int) -> int:
        """See `TimesOfDay`."""
        return self._times[index]


class Clock:
    """Every hour with every minute with every second of three sorted lists, never multiplied out.

    BYHOUR, BYMINUTE and BYSECOND may name all 86,400 seconds of a day.
    """

    __slots__ = ("_hours", "_minutes", "_seconds", "size")

    def __init__(
        self, hours: Sequence[int], minutes: Sequence[int], seconds: Sequence[int]
    ) -> None:
        self._hours = hours
        self._minutes = minutes
        self._seconds = seconds
        self.size = len(hours) * len(minutes) * len(seconds)

    def first_from(self, second: int) -> int:
        """See `TimesOfDay`."""
        hours, minutes, seconds = self._hours, self._minutes, self._seconds
        hour, rest = divmod(second, 3600)
        h = bisect_left(hours, hour)
        if h == len(hours):
            return -1
        if hours[h] == hour:
            minute, rest = divmod(rest, 60)
            m = bisect_left(minutes, minute)
            if m < len(minutes):
                if minutes[m] == minute:
                    s = bisect_left(seconds, rest)
                    if s < len(seconds):
                        return hour * 3600 + minute * 60 + seconds[s]
                    m += 1
                if m < len(minutes):
                    return hour * 3600 + minutes[m] * 60 + seconds[0]
            h += 1
            if h == len(hours):
                return -1
        return hours[h] * 3600 + minutes[0] * 60 + seconds[0]

    def at(self, index: int) -> int:
        """See `TimesOfDay`."""
        rest, second = divmod(index, len(self._seconds))
        hour, minute = divmod(rest, len(self._minutes))
        return self._hours[hour] * 3600 + self._minutes[minute] * 60 + self._seconds[second]


def picked(times: TimesOfDay, positions: Sequence[int]) -> TimesOfDay:
    """Return what BYSETPOS leaves of a set that is the same in every period."""
    if not positions:
        return times
    return ListedTimes([times.at(index) for index in set_indexes(positions, times.size)])


def set_indexes(positions: Sequence[int], size: int) -> list[int]:
    """Return the places, from 0 and in order, that BYSETPOS names in a set of `size` members."""
    places = {position - 1 if position > 0 else size + position for position in positions}
    return sorted(place for place in places if 0 <= place < size)


def times_from(times: TimesOfDay, second: int) -> Iterator[int]:
    """Yield the times at or after `second`."""
    while second < 86_400 and (second := times.first_from(second)) >= 0:
        yield second
        second += 1
