"""What many templates share: calendars and maintenance windows, read once a batch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from templates_app.calendars.calendar_set import CalendarSet, combine, parse_calendar
from templates_app.expander.due import DueTemplate
from templates_app.expander.windows_in_force import InForce, book, windows_in_force
from templates_app.models import Calendar
from templates_app.planning.window_book import WindowBook
from templates_app.recurrence.errors import RecurrenceError


@dataclass(frozen=True)
class Surroundings:
    """The calendars by id and the windows by whom they concern (None: everybody).

    A calendar that cannot be read is there as its fault: it concerns only the templates that use it.
    A window that cannot be read is not there.
    """

    calendars: Mapping[UUID, CalendarSet | RecurrenceError]
    windows: Mapping[UUID | None, tuple[InForce, ...]]

    def calendars_of(self, ids: Iterable[UUID]) -> tuple[CalendarSet, ...]:
        """Return the calendars that still exist. Raises RecurrenceError."""
        found = [self.calendars[one] for one in ids if one in self.calendars]
        for one in found:
            if isinstance(one, RecurrenceError):
                raise one
        return tuple(one for one in found if isinstance(one, CalendarSet))

    def book_for(self, template: DueTemplate) -> WindowBook | None:
        """Return the windows that apply to a template; None when there are none."""
        if not self.windows:
            return None
        owners = (None, template.merchant_id, template.id)
        return book(one for owner in owners for one in self.windows.get(owner, ()))


def look_around(templates: Iterable[DueTemplate], now: datetime) -> Surroundings:
    """Read what applies to these templates: two statements, one more a level of inclusion."""
    templates = list(templates)
    wanted = {one for template in templates for one in (*template.avoid, *template.keep_to)}
    return Surroundings(
        calendars=_calendars(wanted),
        windows=windows_in_force(
            {template.merchant_id for template in templates},
            {template.id for template in templates},
            now,
        ),
    )


def read_calendars(wanted: set[UUID]) -> dict[UUID, CalendarSet]:
    """Return calendars with what they include. Raises RecurrenceError."""
    rows = _calendar_rows(wanted)
    return {one: _calendar_set(rows, one) for one in wanted if one in rows}


def _calendars(wanted: set[UUID]) -> dict[UUID, CalendarSet | RecurrenceError]:
    rows = _calendar_rows(wanted)
    found: dict[UUID, CalendarSet | RecurrenceError] = {}
    for one in wanted & rows.keys():
        try:
            found[one] = _calendar_set(rows, one)
        except RecurrenceError as error:
            found[one] = error
    return found


def _calendar_rows(wanted: set[UUID]) -> dict[UUID, Calendar]:
    rows: dict[UUID, Calendar] = {}
    missing = set(wanted)
    while missing:
        found = Calendar.objects.filter(id__in=missing).in_bulk()
        rows |= found
        included = {one for row in found.values() for one in row.includes}
        missing = included - rows.keys() if found else set()
    return rows


def _calendar_set(rows: Mapping[UUID, Calendar], one: UUID) -> CalendarSet:
    named = [rows[one], *(rows[other] for other in _included(rows, one))]
    sets = [parse_calendar(row.definition, row.name) for row in named if row.definition]
    return sets[0] if len(sets) == 1 else combine(*sets, name=rows[one].name)


def _included(rows: Mapping[UUID, Calendar], one: UUID) -> list[UUID]:
    """Return what a calendar includes, at any depth, each once."""
    found: list[UUID] = []
    waiting = list(rows[one].includes)
    while waiting:
        other = waiting.pop()
        if other in rows and other != one and other not in found:
            found.append(other)
            waiting += rows[other].includes
    return found
