"""Recurrence: the one value that says when something happens, again and again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from hashlib import blake2b
from itertools import islice, pairwise
from typing import Any, NamedTuple

from templates_app.recurrence.counting import nth
from templates_app.recurrence.errors import Caution
from templates_app.recurrence.looking_back import last_between
from templates_app.recurrence.moments import Moment, Note, Schedule
from templates_app.recurrence.work import Combined, Work, walked
from templates_app.recurrence.zones import LAST_YEAR, Zone

TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
# The first days of the year 2: a zone is asked for what came before, too.
BEGINNING = datetime(2, 1, 4)  # noqa: DTZ001 - naive UTC
END = datetime(LAST_YEAR, 12, 31, 23, 59, 59)  # noqa: DTZ001 - naive UTC


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
class Recurrence(Combined):
    """When something happens. Immutable; two are equal when their canonical JSON and seed are.

    `parse` makes it. `document` is its canonical JSON; parsing that again gives an equal value.
    The bounds are naive UTC, both included; jitter does not pass `ends_at`.
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
        start = _within_calendar(after)
        if inclusive:
            start -= TICK
        stop = END if until is None else _within_calendar(until)
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
        start = _within_calendar(after)
        for moment in self.moments(start - self.jitter):
            if moment.due > start and moment.runs:
                return self.occurrence(moment)
        return None

    def previous(self, before: datetime) -> Occurrence | None:
        """Return what happened last before `before` (aware)."""
        latest = _within_calendar(before) - TICK
        if self.last is not None:
            latest = min(latest, self.last + self.jitter)
        earliest = BEGINNING if self.starts_at is None else max(self.starts_at - TICK, BEGINNING)
        found = last_between(self._running, earliest, latest)
        return None if found is None else self.occurrence(found)

    def _running(self, after: datetime, until: datetime) -> Iterator[Moment]:
        for moment in self.moments(after - self.jitter):
            if moment.scheduled > until:
                return
            if moment.runs and after < moment.due <= until:
                yield moment

    def moments(self, after: datetime) -> Iterator[Moment]:
        """Yield the bounded, jittered moments. See `moments.Schedule`."""
        return self._bounded(self.schedule.moments, after)

    def walk(self, after: datetime, work: Work) -> Iterator[Moment]:
        """See `work.Combined`."""
        return self._bounded(partial(walked, self.schedule, work=work), after)

    @cached_property
    def last(self) -> datetime | None:
        """The naive UTC instant after which nothing is scheduled, if there is one.

        A limit on the number of occurrences is counted out once, here; from then on it costs
        nothing. One that is not used up within 500 years is none. Raises
        RecurrenceError `too_costly`.
        """
        if self.max_occurrences is None or self.starts_at is None:
            return self.ends_at
        counted = nth(
            self.schedule, self.starts_at - TICK, self.max_occurrences, until=self.ends_at
        )
        return min((end for end in (counted, self.ends_at) if end), default=None)

    def _bounded(
        self, stream: Callable[[datetime], Iterator[Moment]], after: datetime
    ) -> Iterator[Moment]:
        if self.starts_at is not None:
            after = max(after, self.starts_at - TICK)
        moments = self._jittered(stream(after)) if self.jitter else stream(after)
        end = self.last
        return moments if end is None else _up_to(end, moments)

    def _jittered(self, moments: Iterator[Moment]) -> Iterator[Moment]:
        """Delay each moment by its own stable share of `jitter`, never onto the next one."""
        first = next(moments, None)
        if first is None:
            return
        for moment, following in pairwise(_followed(first, moments)):
            due = moment.scheduled + self._delay(moment.scheduled)
            if following is not moment:
                due = min(due, max(following.scheduled - SECOND, moment.scheduled))
            if self.ends_at is not None:
                due = min(due, max(self.ends_at, moment.scheduled))
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


def _up_to(end: datetime, moments: Iterator[Moment]) -> Iterator[Moment]:
    for moment in moments:
        if moment.scheduled > end:
            return
        yield moment


def _within_calendar(moment: datetime) -> datetime:
    """Return an aware moment as naive UTC, brought within the time that is searched."""
    try:
        instant = moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        # An offset leads out of the years 1 to 9999.
        return BEGINNING if moment.year == 1 else END
    return min(max(instant, BEGINNING), END)
