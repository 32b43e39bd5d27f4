"""Recurrence: the one value that says when something happens, again and again."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from itertools import islice, pairwise
from typing import Any, NamedTuple

from templates_app.recurrence.errors import Caution
from templates_app.recurrence.moments import Moment, Note, Schedule
from templates_app.recurrence.zones import LAST_YEAR, Zone

TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
# The first days of the year 2: a zone is asked for what came before, too.
BEGINNING = datetime(2, 1, 4)  # noqa: DTZ001 - naive UTC
END = datetime(LAST_YEAR, 12, 31, 23, 59, 59)  # noqa: DTZ001 - naive UTC
# `previous` looks back over growing spans, from a minute to four centuries.
FIRST_LOOK_BACK = timedelta(minutes=1)
LOOK_BACK_GROWTH = 16
LONGEST_LOOK_BACK = timedelta(days=146_097)


class Occurrence(NamedTuple):
    """One time that the recurrence names.

    `at` is when it happens (aware, in the recurrence's zone), `scheduled` the same before jitter:
    the occurrence's identity. `nominal` is the local time as named. One whose `runs` is false does
    not happen; its notes say why.
    """

    at: datetime
    scheduled: datetime
    nominal: datetime
    notes: tuple[Note, ...]
    runs: bool


@dataclass(frozen=True, eq=False)
class Recurrence:
    """When something happens. Immutable; two are equal when their canonical JSON and seed are.

    `parse` makes it. `document` is its canonical JSON; parsing that again gives an equal value.
    The bounds are naive UTC, both included.
    """

    document: dict[str, Any]
    seed: str
    schedule: Schedule = field(repr=False)
    zone: Zone
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    max_occurrences: int | None = None
    jitter: timedelta = timedelta(0)
    cautions: tuple[Caution, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recurrence) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @cached_property
    def _identity(self) -> tuple[str, str]:
        return json.dumps(self.document, sort_keys=True), self.seed

    def occurrences(
        self,
        after: datetime,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        inclusive: bool = False,
    ) -> Iterator[Occurrence]:
        """Yield what happens after `after` (aware) and not after `until`, at most `limit`.

        Strictly increasing, each with the reason of any shift. With `inclusive`, what happens at
        `after` itself belongs to it.
        """
        running = (one for one in self.plan(after, until, inclusive=inclusive) if one.runs)
        return running if limit is None else islice(running, limit)

    def plan(
        self, after: datetime, until: datetime | None = None, *, inclusive: bool = False
    ) -> Iterator[Occurrence]:
        """Yield the occurrences, and those that the DST policy skips, in order."""
        start = min(max(after.astimezone(UTC).replace(tzinfo=None), BEGINNING), END)
        if inclusive:
            start -= TICK
        stop = END if until is None else until.astimezone(UTC).replace(tzinfo=None)
        for moment in self.moments(start - self.jitter):
            if moment.due <= start:
                continue
            if moment.due > stop:
                if moment.scheduled > stop:
                    return
                continue
            yield self.occurrence(moment)

    def occurrence(self, moment: Moment) -> Occurrence:
        """Return a moment of this recurrence as people see it, in its zone."""
        scheduled = self.zone.aware(moment.scheduled)
        at = scheduled if moment.due == moment.scheduled else self.zone.aware(moment.due)
        return Occurrence(at, scheduled, moment.nominal, moment.notes, moment.runs)

    def next(self, after: datetime) -> Occurrence | None:
        """Return what happens next after `after` (aware)."""
        start = min(max(after.astimezone(UTC).replace(tzinfo=None), BEGINNING), END)
        for moment in self.moments(start - self.jitter):
            if moment.due > start and moment.runs:
                return self.occurrence(moment)
        return None

    def previous(self, before: datetime) -> Occurrence | None:
        """Return what happened last before `before` (aware)."""
        span = FIRST_LOOK_BACK
        until = before - TICK
        while span <= LONGEST_LOOK_BACK * LOOK_BACK_GROWTH:
            earliest = max(until - min(span, LONGEST_LOOK_BACK), BEGINNING.replace(tzinfo=UTC))
            found = deque(self.occurrences(earliest, until), maxlen=1)
            if found:
                return found[0]
            span *= LOOK_BACK_GROWTH
        return None

    def moments(self, after: datetime) -> Iterator[Moment]:
        """Yield the bounded, jittered moments. See `moments.Schedule`."""
        if self.starts_at is not None or self.last is not None:
            return self._within_bounds(after)
        return self._jittered(after) if self.jitter else self.schedule.moments(after)

    @cached_property
    def last(self) -> datetime | None:
        """The naive UTC instant after which nothing is scheduled, if there is one.

        A limit on the number of occurrences is counted out once, here; from then on it costs
        nothing.
        """
        if self.max_occurrences is None or self.starts_at is None:
            return self.ends_at
        running = (one for one in self.schedule.moments(self.starts_at - TICK) if one.runs)
        counted = next(islice(running, self.max_occurrences - 1, None), None)
        ends = [end for end in (counted and counted.scheduled, self.ends_at) if end]
        return min(ends, default=None)

    def _within_bounds(self, after: datetime) -> Iterator[Moment]:
        if self.starts_at is not None:
            after = max(after, self.starts_at - TICK)
        end = self.last
        for moment in self._jittered(after) if self.jitter else self.schedule.moments(after):
            if end is not None and moment.scheduled > end:
                return
            yield moment

    def _jittered(self, after: datetime) -> Iterator[Moment]:
        """Delay each moment by its own stable share of `jitter`, never onto the next one."""
        moments = self.schedule.moments(after)
        first = next(moments, None)
        if first is None:
            return
        for moment, following in pairwise(_followed(first, moments)):
            due = moment.scheduled + self._delay(moment.scheduled)
            if following is not moment:
                due = min(due, max(following.scheduled - SECOND, moment.scheduled))
            notes = moment.notes if due == moment.scheduled else (*moment.notes, Note.JITTERED)
            yield moment._replace(due=due, notes=notes)

    def _delay(self, scheduled: datetime) -> timedelta:
        seconds = int(self.jitter.total_seconds())
        named = f"{self.seed} {scheduled.isoformat()}".encode()
        share = int.from_bytes(blake2b(named, digest_size=8).digest(), "big")
        return timedelta(seconds=share * seconds >> 64)


def _followed(first: Moment, rest: Iterator[Moment]) -> Iterator[Moment]:
    """Yield everything, then the last once more, so that pairs cover the last."""
    yield first
    last = first
    for last in rest:
        yield last
    yield last
