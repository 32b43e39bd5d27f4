"""One RRULE with its DTSTART: the nominal local times that it names."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from zoneinfo import ZoneInfo

from templates_app.recurrence.errors import Caution
from templates_app.recurrence.rrule.bounds import (
    ENDLESS,
    Bound,
    at_most,
    to_datetime,
    to_seconds,
    until_bound,
)
from templates_app.recurrence.rrule.cautions import cautions_of
from templates_app.recurrence.rrule.grammar import parse_parts
from templates_app.recurrence.rrule.parts import Parts
from templates_app.recurrence.rrule.streams import Stream, stream_of
from templates_app.recurrence.rrule.unreachable import never


@dataclass(frozen=True)
class Rule:
    """The recurrence of one RRULE (RFC 5545 section 3.3.10, RFC 7529 with RSCALE=GREGORIAN).

    Times are nominal: they step in wall-clock time in `zone`, whatever its clock changes do.
    DTSTART fires only if the rule matches it. Make one with `parse_rule`.
    """

    parts: Parts
    dtstart: datetime
    zone: ZoneInfo
    _start: int = field(init=False, repr=False, compare=False)
    _stream: Stream = field(init=False, repr=False, compare=False)
    _until: Bound = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the stream of its times. Whether it ever fires, `first` says."""
        if self.dtstart.tzinfo is not None or self.dtstart.microsecond:
            raise ValueError("dtstart is a naive local time in whole seconds")
        until = self.parts.until
        bound = ENDLESS if until is None else until_bound(until, self.zone)
        object.__setattr__(self, "_until", bound)
        object.__setattr__(self, "_start", to_seconds(self.dtstart))
        object.__setattr__(self, "_stream", stream_of(self.parts, self.dtstart))

    @property
    def text(self) -> str:
        """The rule's canonical text, without `RRULE:`."""
        return str(self.parts)

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """What is allowed and probably not what was meant."""
        return cautions_of(self.parts, self.dtstart, to_datetime(self.first))

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield every nominal time at or after `start`, COUNT and UNTIL applied.

        COUNT counts nominal times from DTSTART. The first costs microseconds wherever `start`
        lies; a rule with COUNT is walked once, when first asked from later than DTSTART. Ends
        with the rule, with the year 9999, or where 400 years hold no further time.
        """
        second = to_seconds(start) + bool(start.microsecond)
        if self.parts.total is not None:
            return self._counted(second, self.parts.total)
        return self._bounded(max(second, self._start), self._until)

    def _counted(self, second: int, total: int) -> Iterator[datetime]:
        if second <= self._start:
            return map(to_datetime, islice(self._stream.since(self._start), total))
        if second > self._last.last:
            return iter(())
        return self._bounded(second, self._last)

    def _bounded(self, second: int, bound: Bound) -> Iterator[datetime]:
        for at in self._stream.since(second):
            if at > bound.sure and not bound.admits(at):
                if at > bound.last:
                    return
                continue
            yield to_datetime(at)

    @cached_property
    def first(self) -> int:
        """The first time, in seconds as streams count them.

        Raises `RecurrenceError` (code `never`) when there is none.
        """
        for at in self._stream.since(self._start):
            if self._until.admits(at):
                return at
            if at > self._until.last:
                break
        raise never(self.parts, self.dtstart)

    @cached_property
    def _last(self) -> Bound:
        """The bound of COUNT, found by walking once."""
        assert self.parts.total is not None
        counted = islice(self._stream.since(self._start), self.parts.total)
        return at_most(next(iter(deque(counted, maxlen=1)), self._start - 1))


def parse_rule(text: str, *, dtstart: datetime, zone: ZoneInfo) -> Rule:
    """Return the rule of a text, with or without `RRULE:`, that starts at a naive local time.

    `zone` is used to compare UNTIL, which is in UTC, with local times. Raises `RecurrenceError`
    for a text that RFC 5545 or 7529 forbid, and (code `never`) for a rule without any time.
    """
    rule = Rule(parse_parts(text), dtstart, zone)
    _ = rule.first
    return rule
