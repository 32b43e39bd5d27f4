"""The times that the RRULEs and EXRULEs of one event name, walked at a bounded cost."""

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from templates_app.calendars.ics_events import Event, Moment, bad_event
from templates_app.calendars.ics_work import Work
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule import Frequency, Rule
from templates_app.recurrence.rrule.bounds import to_datetime
from templates_app.recurrence.rrule.grammar import parse_parts
from templates_app.recurrence.rrule.parts import Parts
from templates_app.recurrence.zones import find_zone

UNTIL = re.compile(r"(UNTIL=)([0-9]{8})(?:T([0-9]{6}))?(?![0-9TZ])")
SEARCHED = timedelta(days=400 * 366)
"""How far the engine looks for a next time before it gives a rule up."""

DOUBT = timedelta(days=2)
"""No zone's clock has ever moved by more than a day."""

RULE_POINTS = 20
SET_POINTS = 4
SKIP_POINTS = 30
_PERIODS = {Frequency.YEARLY: 365, Frequency.MONTHLY: 30, Frequency.WEEKLY: 7, Frequency.DAILY: 1}


def ruled(event: Event, key: str, begin: datetime, end: datetime, work: Work) -> Iterator[datetime]:
    """Yield the wall times in [begin, end) of the event's rules; `key` is RRULE or EXRULE.

    Raises RecurrenceError `bad_ics` for a rule that is not valid, that repeats more often than
    daily, or that costs more than what is left of `work`.
    """
    for text in event.rules if key == "RRULE" else event.exrules:
        work.spend(RULE_POINTS, event.name)
        try:
            parts = parse_parts(_with_until(text, event.start))
            _check_frequency(parts, event, key)
            yield from _walls(parts, event, begin, end, work)
        except RecurrenceError as error:
            if error.field.startswith("ics"):
                raise
            message = error.message.rstrip(".")
            raise bad_event(event.name, f"{key}.{error.field}", message) from error


def _check_frequency(parts: Parts, event: Event, key: str) -> None:
    if parts.freq > Frequency.DAILY:
        raise bad_event(
            event.name,
            f"{key}.FREQ",
            f"FREQ={parts.freq.name} repeats more often than daily",
            hint="Write what repeats within a day as weekly hours.",
        )


def _walls(
    parts: Parts, event: Event, begin: datetime, end: datetime, work: Work
) -> Iterator[datetime]:
    """Walk the rule from where it must be: from its start when it counts.

    The engine gets the rule without its ends: it looks for them ahead, at a cost that would stay
    unseen here.
    """
    start = event.start
    endless = parts._replace(total=None, until=None)
    if start.whole_day:
        endless = endless.without_times()
    rule = Rule(endless, start.wall, (start.zone or find_zone("UTC")).info)
    first = to_datetime(rule.first)
    work.spend(_cost(parts, first - start.wall), event.name)
    at = first if parts.total is not None else max(begin, first)
    until = _until(parts)
    for number, wall in enumerate(rule.walls(at)):
        work.spend(_cost(parts, wall - at), event.name)
        if wall >= end or number == parts.total or _past(wall, until):
            return
        at = wall
        if wall >= begin and _within(wall, until, start):
            yield wall
    work.spend(_cost(parts, SEARCHED), event.name)


def _cost(parts: Parts, gap: timedelta) -> int:
    """Return the points of a step over a gap, in which the engine looks at every period's set."""
    points = SKIP_POINTS if parts.skip != "OMIT" else 0
    if parts.bysetpos:
        points += SET_POINTS + len(parts.bysetpos) // 4
    if not points:
        return 1 + gap.days // 366
    return (1 + gap.days // _PERIODS[parts.freq]) * points


def _until(parts: Parts) -> datetime | None:
    """Return UNTIL in naive UTC."""
    until = parts.until
    if until is None or isinstance(until, datetime):
        return until and until.replace(tzinfo=None)
    return datetime.combine(until, time.max)


def _past(wall: datetime, until: datetime | None) -> bool:
    """Tell whether all times from here on are later than UNTIL, whatever the clocks do."""
    return until is not None and wall - DOUBT > until


def _within(wall: datetime, until: datetime | None, start: Moment) -> bool:
    return until is None or (start.zone.instant(wall) if start.zone else wall) <= until


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
        try:
            instant = start.zone.instant(local) if start.zone else local
        except OverflowError:
            # In the first or last hours that a datetime can hold.
            instant = local
        return f"{match[1]}{instant.year:04}{instant:%m%dT%H%M%SZ}"

    return UNTIL.sub(in_utc, rule.upper())
