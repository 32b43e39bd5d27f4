"""Calendars and maintenance windows that were stored and are not understood any more.

An update of the library took a country out, one of tzdata a time zone. A calendar keeps the templates
that use it from being planned: whoever asked for the plan is told which one it is, looked up after
planning failed, so a plan that works pays nothing for it. A window is left out, as it holds or skips
for all templates at once, and those who made these often cannot mend it: whoever looks is warned.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from uuid import UUID

from django.db.models import Q

from jobs.operations.fields import FieldProblem, InvalidFields
from templates_app.calendars.calendar_set import parse_calendar
from templates_app.models import Calendar, MaintenanceWindow
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.parse import parse_stored

BAD_CALENDAR: Final = "bad_calendar"


class Planned(Protocol):
    """A template, as a row or as the expander reads it."""

    @property
    def id(self) -> UUID: ...
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
    """Turn Unplanned into InvalidFields that name the calendar, or else into its fault.

    Around the transaction: within the failed one nothing can be looked up.
    """
    try:
        yield
    except Unplanned as unplanned:
        refuse_unreadable(unplanned.template)
        raise unplanned.fault from None


@contextmanager
def counted_as_sent(data: Any) -> Iterator[None]:
    """Have pointers to bad calendars count as in `data`, where one may be named twice.

    A template has each once, in the order of their first places.
    """
    try:
        yield
    except InvalidFields as refused:
        raise InvalidFields(_as_sent(one, data) for one in refused.problems) from None


def refuse_unreadable(template: Planned) -> None:
    """Raise InvalidFields when a calendar of a template cannot be read."""
    problems = [
        *unreadable_calendars("avoid", template.avoid),
        *unreadable_calendars("keep_to", template.keep_to),
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
            problems.append(FieldProblem(f"/{field}/{place}", BAD_CALENDAR, told))
    return problems


def refuse_unreadable_calendar(calendar_id: UUID) -> None:
    """Raise InvalidFields when a calendar, or one that it includes, cannot be read."""
    found = _first_unreadable(calendar_id)
    if found is not None:
        where = "/includes" if found.names[1:] else "/definition"
        told = f'This is {found.told} Mend "{found.names[-1]}".'
        raise InvalidFields([FieldProblem(where, BAD_CALENDAR, told)])


def unreadable_windows(merchant_id: UUID, template_id: UUID | None) -> tuple[Caution, ...]:
    """Warn of the windows of the platform, a merchant or its template that planning leaves out."""
    concerns = Q(merchant_id=None) | Q(merchant_id=merchant_id, template_id=None)
    if template_id is not None:
        concerns |= Q(template_id=template_id)
    found = []
    windows = MaintenanceWindow.objects.filter(concerns, recurrence__isnull=False)
    for window in windows.order_by("pk"):
        fault = fault_of_window(window)
        if fault is not None:
            told = f'The maintenance window "{window.name}" cannot be read and is left out: '
            own = window.merchant_id is not None
            found.append(
                Caution(
                    code="bad_window",
                    field="maintenance_windows",
                    message=told + fault.message,
                    hint="Mend it, or delete it." if own else "An operator has to mend it.",
                )
            )
    return tuple(found)


def fault_of_window(window: MaintenanceWindow) -> RecurrenceError | None:
    """Return why planning leaves a window out; None when it counts."""
    if window.recurrence is None:
        return None
    try:
        parse_stored(json.dumps(window.recurrence), seed=str(window.pk))
    except RecurrenceError as fault:
        return fault
    return None


def _as_sent(problem: FieldProblem, data: Any) -> FieldProblem:
    if problem.code != BAD_CALENDAR:
        return problem
    _, field, place = problem.pointer.split("/")
    sent = data.get(field)
    if sent is None:
        # A change that does not name the field: it counts as in what is stored.
        return problem
    places: dict[UUID, int] = {}
    for index, text in enumerate(sent):
        places.setdefault(UUID(text), index)
    return replace(problem, pointer=f"/{field}/{list(places.values())[int(place)]}")


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
