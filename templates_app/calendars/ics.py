"""Calendars from iCalendar files (RFC 5545). Reads bytes; never fetches anything.

Events of whole days become `dates`, timed ones `spans`. Whether an event shows its owner as busy
(TRANSP) does not matter: public holiday calendars mark every day as free.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from icalendar import Calendar

from templates_app.calendars.definition import Json
from templates_app.calendars.ics_events import Event, read_event
from templates_app.calendars.ics_lines import BAD_ICS, check_size, events_text, not_ics
from templates_app.calendars.ics_recurrence import Occurrence, occurrences
from templates_app.calendars.parse import parse_definition
from templates_app.calendars.reading import FIRST_YEAR, LAST_YEAR, MOST_DAYS
from templates_app.recurrence.errors import Caution, RecurrenceError

PAST = timedelta(days=366)
AHEAD = timedelta(days=5 * 366)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
LONGEST = timedelta(days=MOST_DAYS)


@dataclass(frozen=True, slots=True)
class Imported:
    """A definition's canonical JSON, and what its reader should know."""

    document: Json
    cautions: tuple[Caution, ...]


def read_ics(content: bytes, *, today: date) -> Imported:
    """Return the calendar that an iCalendar file holds.

    Recurring events are expanded from a year before `today` to five years after it; what ended
    earlier is left out. An event that floats stays in the time zone of the template that uses the
    calendar. Seconds are rounded outward to whole minutes. Raises RecurrenceError `bad_ics` or
    `too_many_entries` (more than 5,000, or 2 MiB).
    """
    events = _events(content)
    begin = datetime.combine(today, time.min) - PAST
    end = begin + PAST + AHEAD
    dates: list[Json] = []
    spans: list[Json] = []
    past = empty = 0
    for occurrence in occurrences(events, begin, end):
        start, finish = _ends(occurrence)
        if finish <= start:
            empty += 1
        elif finish.replace(tzinfo=None) <= begin or start.year < FIRST_YEAR:
            past += 1
        elif occurrence.start.whole_day and finish - start >= DAY:
            dates.extend(_dates(start, finish, occurrence.name))
        else:
            spans.extend(_spans(start, finish, occurrence.name))
        check_size(len(dates) + len(spans) + past + empty)
    if not dates and not spans:
        raise RecurrenceError(
            BAD_ICS,
            "ics",
            "The file holds no event that takes place from a year ago on.",
            hint="Export the calendar again, with the coming years in it.",
        )
    definition = parse_definition({"dates": dates, "spans": spans})
    return Imported(definition.document(), tuple(_cautions(events, end, past, empty)))


def _events(content: bytes) -> list[Event]:
    text = events_text(content)
    try:
        with warnings.catch_warnings():
            # Guesses about a TZID are judged in `ics_events`, not printed with a user's text.
            warnings.simplefilter("ignore")
            components = Calendar.from_ical(text).walk("VEVENT")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise not_ics() from error
    return [read_event(component) for component in components]


def _ends(occurrence: Occurrence) -> tuple[datetime, datetime]:
    """Return start and end: aware UTC where the event has a zone, naive where it floats."""
    start, length = occurrence.start, occurrence.length
    if start.zone is None:
        return start.wall, start.wall + length.days + length.elapsed
    begin = start.zone.instant(start.wall)
    end = start.zone.instant(start.wall + length.days) + length.elapsed
    return begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)


def _dates(start: datetime, end: datetime, name: str) -> Iterator[Json]:
    for first, following in _split(start, end):
        last = following - DAY
        if first == last:
            yield {"date": first.date().isoformat(), "name": name}
        else:
            days = {"from": first.date().isoformat(), "to": last.date().isoformat()}
            yield {**days, "name": name}


def _spans(start: datetime, end: datetime, name: str) -> Iterator[Json]:
    begin = start.replace(second=0, microsecond=0)
    finish = end if end.second == 0 else end.replace(second=0) + MINUTE
    for first, last in _split(begin, finish):
        yield {"from": first.isoformat(), "to": last.isoformat(), "name": name}


def _split(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut into pieces of a year, within the years that calendars know."""
    latest = start.replace(year=LAST_YEAR, month=12, day=31, hour=0, minute=0)
    end = min(end, latest)
    while start < end:
        piece = min(start + LONGEST, end)
        yield start, piece
        start = piece


def _cautions(events: list[Event], end: datetime, past: int, empty: int) -> Iterator[Caution]:
    if any(event.recurs for event in events):
        yield Caution(
            code="expanded_until",
            field="ics",
            message=f"Repeating events are written out until {end:%Y-%m-%d}.",
            hint="Import the file again before then.",
        )
    if any(event.this_and_future for event in events):
        yield Caution(
            code="range_ignored",
            field="ics.RECURRENCE-ID",
            message="A change to “this and all following” events is applied to one event only.",
        )
    if past:
        yield Caution(
            code="past_events", field="ics", message=f"{_events_of(past)} of the past left out."
        )
    if empty:
        yield Caution(
            code="empty_events", field="ics", message=f"{_events_of(empty)} of no length left out."
        )


def _events_of(count: int) -> str:
    return f"{count:,} event{'s' if count > 1 else ''}"
