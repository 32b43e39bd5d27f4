"""What many templates share: calendars and maintenance windows, read once a batch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Q

from templates_app.calendars.calendar_set import CalendarSet, combine, parse_calendar
from templates_app.calendars.windows import Window, WindowMode
from templates_app.expander.due import DueTemplate
from templates_app.models import Calendar, MaintenanceWindow
from templates_app.planning.window_book import (
    RecurringWindow,
    WindowBook,
    book_of,
    naive,
)
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse


@dataclass(frozen=True)
class Surroundings:
    """The calendars by id and the windows by whom they concern (None: everybody).

    A calendar that cannot be read is there as its fault: it concerns only the templates that use it.
    """

    calendars: Mapping[UUID, CalendarSet | RecurrenceError]
    windows: Mapping[UUID | None, tuple[MaintenanceWindow, ...]]

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
        rows = [
            row
            for owner in (None, template.merchant_id, template.id)
            for row in self.windows.get(owner, ())
        ]
        once = [_once(row) for row in rows if row.recurrence is None]
        again = [_again(row) for row in rows if row.recurrence is not None]
        return book_of(once, again)


def look_around(templates: Iterable[DueTemplate]) -> Surroundings:
    """Read what applies to these templates: two statements, one more a level of inclusion."""
    templates = list(templates)
    wanted = {one for template in templates for one in (*template.avoid, *template.keep_to)}
    return Surroundings(
        calendars=_calendars(wanted),
        windows=_windows(
            {template.merchant_id for template in templates},
            {template.id for template in templates},
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


def _windows(
    merchants: set[UUID], templates: set[UUID]
) -> dict[UUID | None, tuple[MaintenanceWindow, ...]]:
    concerned = Q(merchant=None) | Q(merchant__in=merchants, template=None)
    found: dict[UUID | None, tuple[MaintenanceWindow, ...]] = {}
    for row in MaintenanceWindow.objects.filter(concerned | Q(template__in=templates)).order_by(
        "id"
    ):
        owner = row.template_id or row.merchant_id
        found[owner] = (*found.get(owner, ()), row)
    return found


def _once(row: MaintenanceWindow) -> Window:
    assert row.starts_at is not None
    assert row.ends_at is not None
    return Window(
        naive(row.starts_at), naive(row.ends_at), WindowMode(row.mode), row.name, _release(row)
    )


def _again(row: MaintenanceWindow) -> RecurringWindow:
    assert row.recurrence is not None
    return RecurringWindow(
        recurrence=parse(row.recurrence, seed=str(row.id)),
        lasts=timedelta(seconds=row.duration or 0),
        mode=WindowMode(row.mode),
        name=row.name,
        release_over=_release(row),
    )


def _release(row: MaintenanceWindow) -> timedelta | None:
    return timedelta(seconds=row.release_over) if row.release_over else None
