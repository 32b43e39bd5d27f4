"""Schedules that are not wall times: elapsed steps, listed instants, and what combines others."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.moments import Moment, Note, Schedule
from templates_app.recurrence.zones import LAST_YEAR, Zone

# How many moments in a row `Except` may take away before it gives up.
MOST_EXCLUDED = 100_000
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
        while instant < END_OF_TIME:
            yield Moment(instant, instant, self.zone.local(instant))
            if END_OF_TIME - instant < self.step:
                return
            instant += self.step


@dataclass(frozen=True, slots=True)
class Listed:
    """Instants (naive UTC) that were given one by one; sorted, no two equal."""

    instants: tuple[datetime, ...]
    zone: Zone

    def moments(self, after: datetime) -> Iterator[Moment]:
        """See `moments.Schedule`."""
        for instant in self.instants[bisect_right(self.instants, after) :]:
            yield Moment(instant, instant, self.zone.local(instant))


@dataclass(frozen=True, slots=True)
class ListedWalls:
    """Wall times that were given one by one; sorted, no two equal. See `walls.Walls`."""

    times: tuple[datetime, ...]

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield those at or after `start`."""
        for wall in self.times:
            if wall >= start:
                yield wall


@dataclass(frozen=True, slots=True)
class Union:
    """Whatever any part names, once."""

    parts: tuple[Schedule, ...]

    def moments(self, after: datetime) -> Iterator[Moment]:
        """See `moments.Schedule`."""
        held: Moment | None = None
        for moment in merge(*(part.moments(after) for part in self.parts)):
            if held is None or not (held.runs and moment.runs):
                if held is not None:
                    yield held
                held = moment
            elif held.scheduled == moment.scheduled:
                notes = tuple(dict.fromkeys((*held.notes, *moment.notes, Note.MERGED)))
                held = held._replace(notes=notes)
            else:
                yield held
                held = moment
        if held is not None:
            yield held


@dataclass(frozen=True, slots=True)
class Except:
    """What `source` names and `minus` does not, compared as instants."""

    source: Schedule
    minus: Schedule

    def moments(self, after: datetime) -> Iterator[Moment]:
        """See `moments.Schedule`. Raises RecurrenceError `too_costly` when all is taken away."""
        away = self.minus.moments(after)
        taken = next(away, None)
        in_a_row = 0
        for moment in self.source.moments(after):
            while taken is not None and (taken.scheduled < moment.scheduled or not taken.runs):
                taken = next(away, None)
            if moment.runs and taken is not None and taken.scheduled == moment.scheduled:
                in_a_row += 1
                if in_a_row > MOST_EXCLUDED:
                    raise RecurrenceError(
                        "too_costly",
                        "minus",
                        f"It takes away {MOST_EXCLUDED:,} occurrences in a row.",
                        hint="Take away less, or stop the recurrence with ends_at.",
                    )
                continue
            in_a_row = 0
            yield moment
