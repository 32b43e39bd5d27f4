"""A calendar as somebody wants it: read from JSON, checked whole, not stored."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from jobs.operations.fields import Fields, InvalidFields
from jobs.operations.limits import MAX_NAME
from templates_app.calendars.parse import parse_definition
from templates_app.models import Calendar
from templates_app.operations.faults import recurrence_problem
from templates_app.operations.reading import read_calendar_ids, read_description, read_name
from templates_app.recurrence.errors import RecurrenceError
from tenants.models import Merchant

CALENDAR_FIELDS = ("name", "description", "definition", "includes")
# Calendars on the way from the outermost to the innermost: the expander reads them level by level.
MOST_RELATED = 100


def read_calendar(data: Any, *, merchant: Merchant | None) -> dict[str, Any]:
    """Return the columns of the new calendar that a whole JSON object asks for.

    Without a merchant it is the platform's, which includes calendars of the platform only. Raises
    InvalidFields with every fault that can be seen before `check_includes`.
    """
    fields = Fields(data, CALENDAR_FIELDS)
    columns = _columns(fields, CALENDAR_FIELDS, merchant, kept=())
    _refuse_empty(fields, columns)
    fields.raise_problems()
    return columns


def read_changes(data: Any, calendar: Calendar) -> dict[str, Any]:
    """Return the columns that an edit names; what it does not name is not looked at.

    Raises InvalidFields with every fault that can be seen before `check_includes`.
    """
    fields = Fields(data, CALENDAR_FIELDS)
    if not fields.problems and not fields.data:
        fields.refuse(None, "nothing_to_change", "names nothing to change.")
    named = [name for name in CALENDAR_FIELDS if name in fields]
    columns = _columns(fields, named, calendar.merchant, kept=calendar.includes)
    fields.raise_problems()
    return columns


def check_includes(calendar: Calendar, *, kept: Collection[UUID]) -> None:
    """Refuse what the calendar, about to be stored, cannot include: gone, in a circle, too much.

    Call it once nobody else can change calendars. `kept` is what it includes already, before an
    edit. Raises InvalidFields.
    """
    includes = {"includes": [str(one) for one in calendar.includes]}
    fields = Fields(includes, CALENDAR_FIELDS)
    read_calendar_ids(fields, "includes", calendar.merchant, kept=kept)
    _refuse_empty(fields, {"definition": calendar.definition, **includes})
    if set(calendar.includes) - set(kept) and not fields.problems:
        _refuse_circle(fields, calendar.name, calendar.pk, calendar.includes)
    fields.raise_problems()


def _columns(
    fields: Fields, names: Collection[str], merchant: Merchant | None, *, kept: Collection[UUID]
) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "name" in names:
        columns["name"] = read_name(fields, "what do people call this calendar?")
    if "description" in names:
        columns["description"] = read_description(fields)
    if "includes" in names:
        columns["includes"] = read_calendar_ids(fields, "includes", merchant, kept=kept)
    if "definition" in names:
        columns["definition"] = _definition(fields)
    return columns


def _refuse_empty(fields: Fields, columns: Mapping[str, Any]) -> None:
    if not columns["definition"] and not columns["includes"] and not fields.problems:
        fields.refuse("definition", "required", "is required, unless the calendar includes others.")


def _definition(fields: Fields) -> dict[str, Any]:
    """Return the canonical definition; {} when there is none."""
    document = fields.data.get("definition", {})
    if document == {}:
        return {}
    try:
        return parse_definition(document).document()
    except RecurrenceError as error:
        fields.problems.append(recurrence_problem(error, document, f"{fields.pointer}/definition"))
        return {}


def _refuse_circle(fields: Fields, name: str, calendar_id: UUID, includes: list[UUID]) -> None:
    """Refuse a calendar that would include itself by way of others, or too many of them."""
    try:
        below = _included(includes)
    except _TooMany:
        below = None
    above = _including(calendar_id)
    if below is None or len(below) + above > MOST_RELATED:
        fields.refuse(
            "includes",
            "too_many",
            f"leads to a tangle of more than {MOST_RELATED} calendars; include fewer.",
        )
        return
    path = _path(below, includes, calendar_id)
    if path is not None:
        names = [name, *(below[one].name for one in path if one != calendar_id), name]
        told = " includes ".join(f'"{one}"' for one in names)
        fields.refuse("includes", "circle", f"goes in a circle: {told}. Leave one of them out.")


class _TooMany(Exception):
    """More calendars than may be related."""


def _included(ids: Iterable[UUID]) -> dict[UUID, Calendar]:
    """Return these calendars and all that they include, a statement a level."""
    found: dict[UUID, Calendar] = {}
    missing = set(ids)
    while missing:
        rows = Calendar.objects.only("id", "name", "includes").in_bulk(list(missing))
        found |= rows
        if len(found) > MOST_RELATED:
            raise _TooMany
        missing = {one for row in rows.values() for one in row.includes} - found.keys()
        missing = missing if rows else set()
    return found


def _including(calendar_id: UUID) -> int:
    """Return how many calendars include this one, at any depth."""
    found: set[UUID] = set()
    level = {calendar_id}
    while level and len(found) <= MOST_RELATED:
        # Index calendar_includes is partial: without the second condition nobody can use it.
        rows = Calendar.objects.filter(includes__overlap=list(level)).exclude(includes=[])
        level = set(rows.values_list("id", flat=True)[: MOST_RELATED + 1]) - found
        found |= level
    return len(found - {calendar_id})


def _path(rows: dict[UUID, Calendar], includes: list[UUID], target: UUID) -> list[UUID] | None:
    """Return a way from the included calendars to the target; None when there is none."""
    came_from: dict[UUID, UUID | None] = dict.fromkeys(includes)
    waiting = list(includes)
    while waiting:
        one = waiting.pop(0)
        if one == target:
            path: list[UUID] = []
            step: UUID | None = one
            while step is not None:
                path.insert(0, step)
                step = came_from[step]
            return path
        for other in rows[one].includes if one in rows else ():
            if other not in came_from:
                came_from[other] = one
                waiting.append(other)
    return None


def read_ics_body(data: Any) -> tuple[str, str]:
    """Return the name (may be empty) and the file that an import sends. Raises InvalidFields."""
    fields = Fields(data, ("name", "ics"))
    name = fields.text("name", longest=MAX_NAME)
    content = fields.data.get("ics")
    if not isinstance(content, str) or not content:
        fields.refuse("ics", "required", "is required: the iCalendar file as a text.")
    fields.raise_problems()
    assert isinstance(content, str)
    return name, content


def ics_problem(error: RecurrenceError) -> InvalidFields:
    """Return what is wrong with an iCalendar file as a fault of the body."""
    return InvalidFields([recurrence_problem(error, {}, "/ics")])
