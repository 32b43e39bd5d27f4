"""The occurrences of iCalendar's events: rules, extra dates, exceptions and overrides."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from templates_app.calendars.ics_events import Event, Length, Moment
from templates_app.calendars.ics_rules import ruled
from templates_app.calendars.ics_work import Work

LOOK_POINTS = 4
MOMENT_POINTS = 3


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time at which an event takes place."""

    name: str
    start: Moment
    length: Length


def occurrences(events: Iterable[Event], begin: datetime, end: datetime) -> Iterator[Occurrence]:
    """Yield the occurrences of all events; of those that recur, the ones that start in [begin, end).

    `begin` and `end` are wall times. The highest SEQUENCE of an event counts. What a RECURRENCE-ID
    replaces is left out, and so is what is cancelled. Raises RecurrenceError `bad_ics` for a rule
    that is not valid or repeats more often than daily, and for a file that repeats too often.
    """
    masters, overrides = _by_role(events)
    replaced: dict[str, list[Moment]] = defaultdict(list)
    for event in overrides:
        if event.replaces is not None:
            replaced[event.uid].append(event.replaces)
        if not event.cancelled:
            yield Occurrence(event.name, event.start, event.length)
    work = Work()
    for event in masters:
        if not event.cancelled:
            yield from _occurrences(event, replaced[event.uid], begin, end, work)


def _occurrences(
    event: Event, replaced: list[Moment], begin: datetime, end: datetime, work: Work
) -> Iterator[Occurrence]:
    left_out = _left_out(event, (*event.exdates, *replaced), work)
    left_out.update(ruled(event, "EXRULE", begin - event.length.longest, end, work))
    for wall, length in _walls(event, begin, end, work):
        work.spend(LOOK_POINTS, event.name)
        if wall not in left_out and wall.date() not in left_out:
            start = Moment(wall, event.start.zone, event.start.whole_day)
            yield Occurrence(event.name, start, length)


def _by_role(events: Iterable[Event]) -> tuple[list[Event], list[Event]]:
    """Return masters and overrides, without those that a higher SEQUENCE has put out of date."""
    versions: dict[object, list[Event]] = defaultdict(list)
    for position, event in enumerate(events):
        versions[event.uid or position, event.replaces and event.replaces.wall].append(event)
    newest: list[Event] = []
    for found in versions.values():
        highest = max(event.sequence for event in found)
        newest.extend(event for event in found if event.sequence == highest)
    masters = [event for event in newest if event.replaces is None]
    return masters, [event for event in newest if event.replaces is not None]


def _left_out(event: Event, moments: tuple[Moment, ...], work: Work) -> set[object]:
    """Return wall times, and dates where only a date is given for an event with a time."""
    work.spend(MOMENT_POINTS * len(moments), event.name)
    return {
        moment.wall.date() if moment.whole_day else moment.in_zone(event.start)
        for moment in moments
    }


def _walls(
    event: Event, begin: datetime, end: datetime, work: Work
) -> Iterator[tuple[datetime, Length]]:
    if not event.recurs:
        yield event.start.wall, event.length
        return
    begin -= event.length.longest
    given = {event.start.wall, *(one.in_zone(event.start) for one in event.rdates)}
    seen: set[datetime] = set()
    for wall in chain(sorted(given), ruled(event, "RRULE", begin, end, work)):
        if begin <= wall < end and wall not in seen:
            seen.add(wall)
            yield wall, event.length
    for start, length in event.periods:
        yield start.in_zone(event.start), length
