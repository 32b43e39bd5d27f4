"""One RRULE with its DTSTART: the nominal local times that it names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
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
from templates_app.recurrence.rrule.streams import Stream, day_rule, stream_of
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
    first: int = field(init=False, repr=False, compare=False)
    """The first time, in seconds as streams count them."""
    _stream: Stream = field(init=False, repr=False, compare=False)
    _until: Bound = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find the first time; raise `RecurrenceError` (code `never`) when there is none."""
        if self.dtstart.tzinfo is not None or self.dtstart.microsecond:
            raise ValueError("dtstart is a naive local time in whole seconds")
        until = self.parts.until
        bound = ENDLESS if until is None else until_bound(until, self.zone)
        object.__setattr__(self, "_until", bound)
        object.__setattr__(self, "_stream", stream_of(self.parts, self.dtstart))
        object.__setattr__(self, "first", self._earliest())

    @property
    def text(self) -> str:
        """The rule's canonical text, without `RRULE:`."""
        return str(self.parts)

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """What is allowed and probably not what was meant."""
        return cautions_of(self.parts, self.dtstart, to_datetime(self.first))

    def days(self, start: date) -> Iterator[date]:
        """Yield the days at or after `start` and DTSTART that FREQ, INTERVAL and BY parts leave.

        COUNT, UNTIL, BYSETPOS and the parts of time are not applied: this is a superset of the
        dates of `walls`, and for a frequency below a day the days that its limits leave.
        """
        return day_rule(self.parts, self.dtstart).days(start)

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield every nominal time at or after `start`, COUNT and UNTIL applied.

        COUNT counts nominal times from DTSTART. The first costs microseconds wherever `start`
        lies; a rule with COUNT is walked once, when first asked from later than DTSTART. Ends
        with the rule, with the year 9999, or where 400 years hold no further time.
        """
        second = to_seconds(start) + bool(start.microsecond)
        bound = self._until
        if second <= self.first:
            second = self.first
        elif self.parts.total is not None and second > self._last.last:
            return
        if self.parts.total is not None:
            bound = self._last
        for at in self._stream.since(second):
            if at > bound.sure and not bound.admits(at):
                if at > bound.last:
                    return
                continue
            yield to_datetime(at)

    def _earliest(self) -> int:
        for at in self._stream.since(to_seconds(self.dtstart)):
            if self._until.admits(at):
                return at
            if at > self._until.last:
                break
        raise never(self.parts, self.dtstart)

    @cached_property
    def _last(self) -> Bound:
        """The bound of COUNT, found by walking once."""
        assert self.parts.total is not None
        last = self.first
        for last in islice(self._stream.since(self.first), self.parts.total):  # noqa: B007
            pass
        return at_most(last)


@lru_cache(maxsize=8_192)
def parse_rule(text: str, *, dtstart: datetime, zone: ZoneInfo) -> Rule:
    """Return the rule of a text, with or without `RRULE:`, that starts at a naive local time.

    `zone` is used to compare UNTIL, which is in UTC, with local times. Raises `RecurrenceError`
    for a text that RFC 5545 or 7529 forbid, and (code `never`) for a rule without any time.
    """
    return Rule(parse_parts(text), dtstart, zone)
