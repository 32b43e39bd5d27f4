"""Schedules that are not wall times: elapsed steps, listed instants, and what combines others."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice

from templates_app.recurrence.moments import Moment, Note, Schedule
from templates_app.recurrence.work import Combined, Work, walked
from templates_app.recurrence.zones import LAST_YEAR, Zone

# After so many steps that do not reach a moment a stream is begun again beside it.
STEPS_BEFORE_LEAP = 16
# What beginning a stream costs, in steps.
LEAP = 25
TICK = timedelta(microseconds=1)
END_OF_ASKING = datetime.max  # noqa: DTZ901 - naive UTC
# A zone is asked for its stretches only within the years it knows.
END_OF_TIME = datetime(LAST_YEAR, 12, 30)  # noqa: DTZ001 - naive UTC


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Every `step` of real time from an anchor (naive UTC) on; clock changes do not touch it."""

    anchor: datetime
    step: timedelta
    zone: Zone

    def moments(self, after: datetime) -> Iterator[Moment]:
        """See `moments.Schedule`."""
        steps = max((after - self.anchor) // self.step + 1, 0)
        if END_OF_TIME - self.anchor < steps * self.step:
            return
        instant = self.anchor + steps * self.step
        # The first is often all that is asked for.
        offset, holds_until = self.zone.offset(instant), instant
        while instant < END_OF_TIME:
            yield Moment(instant, instant, instant + offset)
            if END_OF_TIME - instant < self.step:
                return
            instant += self.step
            if instant >= holds_until:
                stretch = self.zone.stretch(instant)
                offset, holds_until = stretch.offset, stretch.end

    def nth(self, after: datetime, count: int) -> datetime | None:
        """Return the `count`-th instant after `after`, without walking there; None if none is."""
        steps = max((after - self.anchor) // self.step + 1, 0) + count - 1
        if steps > (END_OF_TIME - self.anchor) // self.step:
            return None
        return self.anchor + steps * self.step


@dataclass(frozen=True, slots=True)
class Listed:
    """Instants (naive UTC) that were given one by one; sorted, no two equal."""

    instants: tuple[datetime, ...]
    zone: Zone

    def moments(self, after: datetime) -> Iterator[Moment]:
        """See `moments.Schedule`."""
        for instant in islice(self.instants, bisect_right(self.instants, after), None):
            yield Moment(instant, instant, self.zone.local(instant))


@dataclass(frozen=True, slots=True)
class ListedWalls:
    """Wall times that were given one by one; sorted, no two equal. See `walls.Walls`."""

    times: tuple[datetime, ...]

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield those at or after `start`."""
        return islice(self.times, bisect_left(self.times, start), None)


@dataclass(frozen=True, slots=True)
class InZone(Combined):
    """A part's moments, with the local time in another zone as their nominal one.

    Calendars judge the nominal time, and judge it in the zone of the whole. The part's notes stay.
    """

    part: Schedule
    zone: Zone

    def walk(self, after: datetime, work: Work) -> Iterator[Moment]:
        """See `work.Combined`."""
        for moment in walked(self.part, after, work):
            if moment.scheduled > END_OF_TIME:
                return
            yield moment._replace(nominal=self.zone.local(moment.scheduled))


@dataclass(frozen=True, slots=True)
class Union(Combined):
    """Whatever any part names, once."""

    parts: tuple[Schedule, ...]

    def walk(self, after: datetime, work: Work) -> Iterator[Moment]:
        """See `work.Combined`."""
        together: list[Moment] = []
        for moment in merge(*(walked(part, after, work) for part in self.parts)):
            work.spend(1)
            if together and together[0].scheduled != moment.scheduled:
                yield from _once(together)
                together.clear()
            together.append(moment)
        yield from _once(together)


def _once(together: list[Moment]) -> list[Moment]:
    """Return the moments of one instant with those that run made one, before those that do not."""
    if len(together) < 2:
        return list(together)
    runs = [moment for moment in together if moment.runs]
    if len(runs) > 1:
        notes = dict.fromkeys(note for moment in runs for note in moment.notes)
        notes.pop(Note.MERGED, None)
        runs = [runs[0]._replace(notes=(*notes, Note.MERGED))]
    return runs + [moment for moment in together if not moment.runs]


@dataclass(frozen=True, slots=True)
class Except(Combined):
    """What `source` names and `minus` does not, compared as instants.

    Every moment of `source` is a step of the work, and every one of `minus` that is not leapt over.
    """

    source: Schedule
    minus: Schedule

    def walk(self, after: datetime, work: Work) -> Iterator[Moment]:
        """See `work.Combined`."""
        away = _Away(self.minus, work)
        for moment in walked(self.source, after, work):
            work.spend(1)
            if not moment.runs or not away.names(moment.scheduled):
                yield moment


class _Away:
    """The instants that `minus` names, asked about in increasing order."""

    def __init__(self, minus: Schedule, work: Work) -> None:
        self._minus = minus
        self._work = work
        self._patience = 0
        self._stream: Iterator[Moment] = iter(())
        self._reached = datetime.min  # noqa: DTZ901 - naive UTC

    def names(self, instant: datetime) -> bool:
        """Whether the instant is taken away."""
        steps = 0
        while self._reached < instant:
            if steps == self._patience:
                self._work.spend(LEAP)
                self._stream = walked(self._minus, instant - TICK, self._work)
            self._work.spend(1)
            self._reached = next(
                (moment.scheduled for moment in self._stream if moment.runs), END_OF_ASKING
            )
            steps += 1
        # Where leaps were needed they will be needed again.
        self._patience = STEPS_BEFORE_LEAP if steps <= self._patience else 1
        return self._reached == instant
