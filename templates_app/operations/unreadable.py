"""What keeps a template from being planned although its recurrence is in order.

A stored calendar or maintenance window may not be understood any more: an update of the library took
a country out, one of tzdata a time zone. Whoever asked for the plan is told which one it is. All this
is looked up after planning failed, so a plan that works pays nothing for it.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.db.models import Q

from jobs.operations.fields import FieldProblem, InvalidFields
from templates_app.calendars.calendar_set import parse_calendar
from templates_app.models import Calendar, MaintenanceWindow
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse_stored


class Planned(Protocol):
    """A template, as a row or as the expander reads it."""

    @property
    def id(self) -> UUID: ...
    @property
    def merchant_id(self) -> UUID: ...
    @property
    def avoid(self) -> Sequence[UUID]: ...
    @property
    def keep_to(self) -> Sequence[UUID]: ...


class Unplanned(Exception):
    """A template could not be planned, with the fault that planning found."""

    def __init__(self, template: Planned, fault: RecurrenceError) -> None:
        super().__init__(str(fault))
        self.template = template
        self.fault = fault


@contextmanager
def explained() -> Iterator[None]:
    """Turn Unplanned into InvalidFields that name the calendar or window, or else into its fault.

    Around the transaction: within the failed one nothing can be looked up.
    """
    try:
        yield
    except Unplanned as unplanned:
        refuse_unreadable(unplanned.template)
        raise unplanned.fault from None


def refuse_unreadable(template: Planned) -> None:
    """Raise InvalidFields when a calendar of a template, or a window around it, cannot be read."""
    problems = [
        *unreadable_calendars("avoid", template.avoid),
        *unreadable_calendars("keep_to", template.keep_to),
        *unreadable_windows(template.merchant_id, template.id),
    ]
    if problems:
        raise InvalidFields(problems)


def unreadable_calendars(field: str, ids: Sequence[UUID]) -> list[FieldProblem]:
    """Say which of the calendars that a field names, or that these include, cannot be read."""
    problems = []
    for place, one in enumerate(ids):
        found = _first_unreadable(one)
        if found is not None:
            told = f'"{field}" names {found.told} Mend "{found.names[-1]}", or leave it out.'
            problems.append(FieldProblem(f"/{field}/{place}", "bad_calendar", told))
    return problems


def refuse_unreadable_calendar(calendar_id: UUID) -> None:
    """Raise InvalidFields when a calendar, or one that it includes, cannot be read."""
    found = _first_unreadable(calendar_id)
    if found is not None:
        where = "/includes" if found.names[1:] else "/definition"
        told = f'This is {found.told} Mend "{found.names[-1]}".'
        raise InvalidFields([FieldProblem(where, "bad_calendar", told)])


def unreadable_windows(merchant_id: UUID, template_id: UUID | None) -> list[FieldProblem]:
    """Say which recurring windows of the platform, of a merchant or of its template cannot be read."""
    concerns = Q(merchant_id=None) | Q(merchant_id=merchant_id, template_id=None)
    if template_id is not None:
        concerns |= Q(template_id=template_id)
    problems = []
    for window in MaintenanceWindow.objects.filter(concerns, recurrence__isnull=False):
        try:
            parse_stored(json.dumps(window.recurrence), seed=str(window.pk))
        except RecurrenceError as error:
            told = f'The maintenance window "{window.name}" cannot be read: {error.message} '
            problems.append(FieldProblem("", "bad_window", told + "Mend it, or delete it."))
    return problems


@dataclass(frozen=True)
class _Unreadable:
    """The names on the way to a calendar that cannot be read, itself the last, and its fault."""

    names: tuple[str, ...]
    fault: str

    @property
    def told(self) -> str:
        by_way = "".join(f', which includes "{name}"' for name in self.names[1:])
        return f'the calendar "{self.names[0]}"{by_way}, which cannot be read: {self.fault}'


def _first_unreadable(calendar_id: UUID) -> _Unreadable | None:
    """Return the nearest calendar that cannot be read, the named one first; a statement a level."""
    ways: dict[UUID, tuple[str, ...]] = {calendar_id: ()}
    level = [calendar_id]
    while level:
        below: list[UUID] = []
        for one, row in Calendar.objects.in_bulk(level).items():
            names = (*ways[one], row.name)
            try:
                if row.definition:
                    parse_calendar(row.definition, row.name)
            except RecurrenceError as error:
                return _Unreadable(names, error.message)
            new = [other for other in row.includes if other not in ways]
            ways |= dict.fromkeys(new, names)
            below += new
        level = below
    return None
