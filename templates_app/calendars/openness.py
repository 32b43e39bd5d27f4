"""When a template is open, and where an occurrence goes that falls on a closed time.

A time is open when it is in none of the calendars that a template avoids, and in every one that it
keeps to. Wall times are naive in the template's zone, instants naive UTC, both as in
`templates_app.recurrence.moments`. Openness is decided to the minute. The nominal wall time is what
is compared with days and hours, also where a clock change moves the real one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from templates_app.calendars import wording
from templates_app.calendars.calendar_set import CalendarSet, minutes_of
from templates_app.calendars.definition import MINUTES_OF_DAY
from templates_app.calendars.open_minutes import OpenMinutes, moment_of
from templates_app.recurrence.zones import LAST_YEAR, Zone

# How far a move looks for an open time before a template counts as closed for good.
FARTHEST_DAYS = 366
DAY = timedelta(days=1)
END = datetime(LAST_YEAR - 1, 1, 1)  # noqa: DTZ001 - naive UTC


class ClosedPolicy(StrEnum):
    """What happens to an occurrence on a closed time."""

    SKIP = "skip"
    NEXT_OPEN = "next_open"
    PREVIOUS_OPEN = "previous_open"
    NEXT_BUSINESS_DAY = "next_business_day"
    PREVIOUS_BUSINESS_DAY = "previous_business_day"


class Outcome(StrEnum):
    """What became of an occurrence."""

    KEPT = "kept"
    MOVED = "moved"
    SKIPPED = "skipped"
    CLOSED_FOR_GOOD = "closed_for_good"


@dataclass(frozen=True, slots=True)
class Moved:
    """Where an occurrence went.

    `local` is its wall time, naive, `fold` set in the second pass of an overlap; `instant` the same
    in naive UTC. Both are None when it does not run. `reason` says why the nominal time is closed;
    None when it is open.
    """

    outcome: Outcome
    local: datetime | None
    instant: datetime | None
    reason: str | None


class Opening:
    """What templates with the same calendars and zone avoid and keep to."""

    def __init__(
        self, avoid: tuple[CalendarSet, ...], keep_to: tuple[CalendarSet, ...], zone: Zone
    ) -> None:
        self.avoid = avoid
        self.keep_to = keep_to
        self.zone = zone
        self._minutes = OpenMinutes(avoid, keep_to, zone)

    def describe(self) -> str:
        """Return a clause: "only during business hours, except public holidays in Spain"; "" when always."""
        parts = []
        if self.keep_to:
            parts.append(
                f"only during {wording.joined([c.describe() for c in self.keep_to], 'and')}"
            )
        if self.avoid:
            parts.append(f"except {wording.joined([c.describe() for c in self.avoid], 'and')}")
        return ", ".join(parts)

    def is_open(self, local: datetime, instant: datetime | None = None) -> bool:
        """Tell whether a nominal wall time is open.

        `instant` is when it really runs; without it, RFC 5545's reading of `local` (`fold` counts).
        """
        walls = self._minutes.of_date(local.toordinal())
        if walls is None:
            return self._reason(local, instant or self._instant(local)) is None
        minute = local.hour * 60 + local.minute
        for start, end in walls:
            if minute < end:
                return minute >= start
        return False

    def closed_reason(self, local: datetime, instant: datetime | None = None) -> str | None:
        """Return in words why a nominal wall time is closed; None when it is open."""
        if self.is_open(local, instant):
            return None
        return self._reason(local, instant or self._instant(local))

    def move(self, local: datetime, policy: ClosedPolicy, instant: datetime | None = None) -> Moved:
        """Return where an occurrence goes. An open one stays.

        `next_open`: the first open minute at or after it. `previous_open`: the last open whole
        minute before it. The business days: the same wall time on the nearest later or earlier date
        on which that wall time is open; where it does not exist on that date, it is read with the
        offset before the gap. Nothing open within 366 days: closed for good.
        """
        at = instant or self._instant(local)
        reason = self.closed_reason(local, at)
        if reason is None:
            return Moved(Outcome.KEPT, local, at, None)
        match policy:
            case ClosedPolicy.SKIP:
                return Moved(Outcome.SKIPPED, None, None, reason)
            case ClosedPolicy.NEXT_OPEN:
                found = self._first_open(at)
            case ClosedPolicy.PREVIOUS_OPEN:
                found = self._last_open(at)
            case ClosedPolicy.NEXT_BUSINESS_DAY:
                return self._moved_by_days(local, reason, 1)
            case ClosedPolicy.PREVIOUS_BUSINESS_DAY:
                return self._moved_by_days(local, reason, -1)
        if found is None:
            side = "after" if policy is ClosedPolicy.NEXT_OPEN else "before"
            text = f"{reason}; nothing is open in the {FARTHEST_DAYS} days {side} it"
            return Moved(Outcome.CLOSED_FOR_GOOD, None, None, text)
        return Moved(Outcome.MOVED, self._local(found), found, reason)

    def open_from(self, instant: datetime) -> datetime | None:
        """Return the first open minute at or after a naive UTC instant; None beyond 366 days.

        An expander asks it at a closed occurrence that is skipped, to begin again from there rather
        than test each one. An instant within an open minute is returned as it is.
        """
        return self._first_open(instant)

    def open_until(self, instant: datetime) -> datetime | None:
        """Return when the open time that holds a naive UTC instant ends.

        The instant itself when it is closed; None when it does not end within 366 days. Until then
        no occurrence needs a test, save those whose nominal time a clock change moves.
        """
        start = at = minutes_of(instant)
        while at - start < FARTHEST_DAYS * MINUTES_OF_DAY and at < minutes_of(END):
            chunk = at // MINUTES_OF_DAY
            end = next(
                (end for begin, end in self._minutes.of_utc_day(chunk) if begin <= at < end), None
            )
            if end is None:
                return instant if at == start else moment_of(at)
            at = end
        return None

    def _reason(self, local: datetime, instant: datetime) -> str | None:
        for calendar in self.avoid:
            cover = calendar.covers(local, instant)
            if cover:
                return cover.words
        for calendar in self.keep_to:
            if not calendar.covers(local, instant):
                return calendar.absence(local, instant)
        return None

    def _moved_by_days(self, local: datetime, reason: str, step: int) -> Moved:
        day = local.replace(fold=0)
        for _ in range(FARTHEST_DAYS):
            day += step * DAY
            if day >= END:
                break
            if self.is_open(day):
                return Moved(Outcome.MOVED, day, self._instant(day), reason)
        side = "after" if step > 0 else "before"
        text = f"{reason}; {local:%H:%M} is open on none of the {FARTHEST_DAYS} days {side} it"
        return Moved(Outcome.CLOSED_FOR_GOOD, None, None, text)

    def _first_open(self, instant: datetime) -> datetime | None:
        at = minutes_of(instant)
        first = at // MINUTES_OF_DAY
        last = min(first + FARTHEST_DAYS, END.toordinal())
        for chunk in range(first, last + 1):
            for start, end in self._minutes.of_utc_day(chunk):
                if end > at:
                    return instant if start <= at else moment_of(start)
        return None

    def _last_open(self, instant: datetime) -> datetime | None:
        at = minutes_of(instant)
        first = at // MINUTES_OF_DAY
        for chunk in range(first, max(first - FARTHEST_DAYS, 1) - 1, -1):
            for start, end in reversed(self._minutes.of_utc_day(chunk)):
                if start < at:
                    return moment_of(min(end, at) - 1)
        return None

    def _instant(self, local: datetime) -> datetime:
        return self.zone.instant(local)

    def _local(self, instant: datetime) -> datetime:
        return self.zone.aware(instant).replace(tzinfo=None)


@lru_cache(maxsize=256)
def opening(
    avoid: tuple[CalendarSet, ...], keep_to: tuple[CalendarSet, ...], zone: Zone
) -> Opening:
    """Return the Opening of these calendars in a zone, shared by all templates that have them."""
    return Opening(avoid, keep_to, zone)
