"""The occurrences of iCalendar's events: rules, extra dates, exceptions and overrides."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, takewhile

from templates_app.calendars.ics_events import Event, Length, Moment, bad_event
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule import parse_set
from templates_app.recurrence.zones import find_zone

UNTIL = re.compile(r"(UNTIL=)([0-9]{8})(?:T([0-9]{6}))?(?![0-9TZ])")
# Bounds the work for a file whose exceptions take away nearly all that its rules give.
MOST_LOOKED_AT = 50_000


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
    that is not valid.
    """
    masters, overrides = _by_role(events)
    replaced: dict[str, list[Moment]] = defaultdict(list)
    for event in overrides:
        if event.replaces is not None:
            replaced[event.uid].append(event.replaces)
        if not event.cancelled:
            yield Occurrence(event.name, event.start, event.length)
    looked_at = 0
    for event in masters:
        if event.cancelled:
            continue
        left_out = _left_out(event, (*event.exdates, *replaced[event.uid]))
        for wall, length in _walls(event, begin, end):
            looked_at += 1
            if looked_at > MOST_LOOKED_AT:
                raise bad_event(event.name, "RRULE", "it repeats too often")
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


def _left_out(event: Event, moments: Iterable[Moment]) -> set[object]:
    """Return wall times, and dates where only a date is given for an event with a time."""
    return {
        moment.wall.date() if moment.whole_day else moment.in_zone(event.start)
        for moment in moments
    }


def _walls(event: Event, begin: datetime, end: datetime) -> Iterator[tuple[datetime, Length]]:
    if not event.recurs:
        yield event.start.wall, event.length
        return
    begin -= event.length.longest
    given = {event.start.wall, *(one.in_zone(event.start) for one in event.rdates)}
    seen: set[datetime] = set()
    for wall in chain(sorted(given), _ruled(event, begin, end)):
        if begin <= wall < end and wall not in seen:
            seen.add(wall)
            yield wall, event.length
    for start, length in event.periods:
        yield start.in_zone(event.start), length


def _ruled(event: Event, begin: datetime, end: datetime) -> Iterator[datetime]:
    if not event.rules:
        return
    zone = event.start.zone or find_zone("UTC")
    try:
        rules = parse_set(
            dtstart=event.start.wall.isoformat(),
            rules=[_with_until(rule, event.start) for rule in event.rules],
            exrules=[_with_until(rule, event.start) for rule in event.exrules],
            rdates=[],
            exdates=[],
            zone=zone.info,
        )
        yield from takewhile(lambda wall: wall < end, rules.walls(begin))
    except RecurrenceError as error:
        if error.code == "never" and any("UNTIL" in rule for rule in event.rules):
            # What "delete this and all following" leaves of a series: its start alone.
            return
        raise bad_event(event.name, f"RRULE.{error.field}", error.message.rstrip(".")) from error


def _with_until(rule: str, start: Moment) -> str:
    """Return the rule with an UNTIL in UTC.

    Exporters write dates and local times as well, against RFC 5545 section 3.3.10: a date counts to
    its end, a local time in the event's zone.
    """

    def in_utc(match: re.Match[str]) -> str:
        try:
            local = datetime.strptime(f"{match[2]}{match[3] or '235959'}", "%Y%m%d%H%M%S")  # noqa: DTZ007
        except ValueError:
            return match[0]
        instant = start.zone.instant(local) if start.zone else local
        return f"{match[1]}{instant:%Y%m%dT%H%M%SZ}"

    return UNTIL.sub(in_utc, rule.upper())
