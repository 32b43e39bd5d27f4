"""Days times hours: one or more times on every day that some rule names."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from heapq import merge
from typing import Protocol


class Days(Protocol):
    """A stream of days."""

    def days(self, start: date) -> Iterator[date]:
        """Yield every day from `start` on, strictly increasing."""
        ...


@dataclass(frozen=True, slots=True)
class DayTimes:
    """The times (sorted, no two equal) on each day that any of `rules` names. See `walls.Walls`.

    Nothing before `earliest`.
    """

    rules: tuple[Days, ...]
    times: tuple[time, ...]
    earliest: datetime | None = None

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield every nominal time at or after `start`."""
        if self.earliest is not None and start < self.earliest:
            start = self.earliest
        times = self.times
        for day in self._days(start.date()):
            if day == start.date():
                for at in times:
                    wall = datetime.combine(day, at)
                    if wall >= start:
                        yield wall
            else:
                for at in times:
                    yield datetime.combine(day, at)

    def _days(self, start: date) -> Iterator[date]:
        if len(self.rules) == 1:
            yield from self.rules[0].days(start)
            return
        last = None
        for day in merge(*(rule.days(start) for rule in self.rules)):
            if day != last:
                yield day
                last = day
