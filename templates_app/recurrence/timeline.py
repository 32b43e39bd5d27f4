"""From wall times to instants: what happens at clock changes, chosen by policy.

One rule is the default: a named time runs exactly once, a repetition keeps its real rhythm. Nominal
times are walked stretch by stretch of constant offset (`zones.Stretch`). Inside a stretch nothing
needs deciding. Between two stretches either wall times are missing (a gap: their moments are put
into the stretch that follows) or wall times come twice (an overlap: the second pass is skipped, or
walked by starting the stream again where it begins).
"""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from templates_app.recurrence.moments import Moment, Note
from templates_app.recurrence.walls import Walls
from templates_app.recurrence.zones import END, Stretch, Zone

DstGap = Literal["shift", "gap_end", "skip"]
DstOverlap = Literal["auto", "first", "second", "both"]

# No change of clocks is longer than a day and a bit (Samoa left out 30 December 2011).
LONGEST_CHANGE = timedelta(hours=26)
FAR = timedelta(days=3)
TICK = timedelta(microseconds=1)
NO_OFFSET = timedelta(0)


@dataclass(frozen=True, slots=True)
class DstPolicy:
    """What to do with local times that do not exist, and with those that occur twice.

    `overlap` is resolved: `auto` has become `first` or `both`.
    """

    gap: DstGap
    overlap: Literal["first", "second", "both"]


@dataclass(frozen=True, slots=True)
class WallSchedule:
    """Nominal wall times in a zone, under a policy."""

    stream: Walls
    zone: Zone
    policy: DstPolicy

    def moments(self, after: datetime) -> Iterator[Moment]:
        """See `moments.Schedule`."""
        stretch = self.zone.stretch(after)
        offset = stretch.offset
        if after > END - max(offset, NO_OFFSET):
            # Local times have left the calendar.
            return
        start = after + offset
        if self.policy.overlap == "second" and stretch.after < offset:
            # What the first pass names is still to come, in the second.
            start = min(start, stretch.wall_twice)
        if after - stretch.start >= LONGEST_CHANGE:
            calm = stretch.wall_end - LONGEST_CHANGE
            for nominal in self.stream.walls(start):
                if nominal >= calm:
                    start = nominal
                    break
                instant = nominal - offset
                if instant > after:
                    yield Moment(instant, instant, nominal)
            else:
                return
        else:
            stretch, start = self._safe_start(stretch, after)
        yield from self._across_changes(stretch, start, after)

    def _across_changes(
        self, stretch: Stretch, start: datetime, after: datetime
    ) -> Iterator[Moment]:
        last = after
        for moment in _Walk(self, stretch, start):
            if moment.scheduled > last:
                yield moment
                if moment.runs:
                    last = moment.scheduled

    def _safe_start(self, stretch: Stretch, after: datetime) -> tuple[Stretch, datetime]:
        """Begin before a change whose gap may still put moments after `after`."""
        earliest = stretch
        while after - earliest.start < LONGEST_CHANGE:
            previous = self.zone.stretch(earliest.start - TICK)
            change = earliest.offset - earliest.before
            if change and after - earliest.start < abs(change):
                stretch = previous
            earliest = previous
        if stretch.start <= after < stretch.end:
            wall = after + stretch.offset
            if self.policy.overlap == "second" and stretch.after < stretch.offset:
                wall = min(wall, stretch.wall_twice)
            if self.policy.overlap == "first" and stretch.before > stretch.offset:
                wall = max(wall, stretch.start + stretch.before)
            return stretch, wall
        # The gap, or the pass that repeats, begins here; what came before it is not asked for.
        return stretch, stretch.wall_twice


class _Walk:
    """One walk over the stretches. Holds the stream and the moments moved out of a gap."""

    def __init__(self, schedule: WallSchedule, stretch: Stretch, wall: datetime) -> None:
        self.schedule = schedule
        self.stretch = stretch
        self.pending: list[Moment] = []
        self.restart(wall)

    def restart(self, wall: datetime) -> None:
        self.stream = self.schedule.stream.walls(wall)
        self.nominal = next(self.stream, None)

    def __iter__(self) -> Iterator[Moment]:
        while self.nominal is not None or self.pending:
            yield from self._direct()
            while self.pending and self.pending[0].scheduled < self.stretch.end:
                yield self.pending.pop(0)
            self._cross()
            if not self._advance():
                return

    def _direct(self) -> Iterator[Moment]:
        """Yield the stretch's own moments, with those moved into it."""
        stretch, offset, pending = self.stretch, self.stretch.offset, self.pending
        stop, twice = self._bounds(stretch)
        # Wall times up to here already occurred in the pass before.
        repeated = stretch.start + max(stretch.before, offset)
        second = self.schedule.policy.overlap != "first" and stretch.before > offset
        stream, nominal = self.stream, self.nominal
        while nominal is not None and nominal < stop:
            instant = nominal - offset
            notes: tuple[Note, ...] = ()
            if nominal >= twice:
                notes = (Note.FIRST_PASS,)
            elif second and nominal < repeated:
                notes = (Note.SECOND_PASS,)
            while pending and pending[0].scheduled <= instant:
                moved = pending.pop(0)
                if moved.scheduled == instant and moved.runs:
                    notes = (*notes, Note.MERGED)
                else:
                    yield moved
            yield Moment(instant, instant, nominal, notes)
            nominal = next(stream, None)
        self.nominal = nominal

    def _bounds(self, stretch: Stretch) -> tuple[datetime, datetime]:
        """Return the wall time at which this stretch's own end, and the one that comes twice."""
        if self.schedule.policy.overlap == "second":
            return stretch.wall_twice, stretch.wall_end
        return stretch.wall_end, stretch.wall_twice

    def _cross(self) -> None:
        """Go over the change at the stretch's end."""
        stretch = self.stretch
        if stretch.after > stretch.offset:
            self._leave_gap(stretch)
        elif stretch.after < stretch.offset and self.schedule.policy.overlap == "both":
            self.restart(stretch.wall_twice)

    def _leave_gap(self, stretch: Stretch) -> None:
        stop = stretch.end + stretch.after
        gap = self.schedule.policy.gap
        nominal = self.nominal
        while nominal is not None and nominal < stop:
            if gap == "shift":
                instant, note = nominal - stretch.offset, Note.GAP_SHIFTED
            else:
                instant = stretch.end
                note = Note.GAP_END if gap == "gap_end" else Note.GAP_SKIPPED
            if gap == "gap_end" and self.pending and self.pending[-1].scheduled == instant:
                first = self.pending.pop()
                merged = first._replace(notes=(Note.GAP_END, Note.MERGED))
                self.pending.append(merged)
            else:
                insort(self.pending, Moment(instant, instant, nominal, (note,)))
            nominal = next(self.stream, None)
        self.nominal = nominal

    def _advance(self) -> bool:
        """Move to the next stretch in which something can happen; False after the last year."""
        zone, at = self.schedule.zone, self.stretch.end
        if not self.pending and self.nominal is not None:
            # Nothing is named in between: changes there need no crossing.
            at = max(at, self.nominal - FAR)
        if at == END:
            return False
        self.stretch = zone.stretch(at)
        return True
