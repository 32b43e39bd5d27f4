"""What surrounds a template for which nothing is planned: stored or not, as somebody wants it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.operations.fields import FieldProblem, InvalidFields
from templates_app.calendars.calendar_set import CalendarSet
from templates_app.calendars.openness import ClosedPolicy, opening
from templates_app.expander.batch import read_these
from templates_app.expander.outcome import rules_of
from templates_app.expander.surroundings import look_around, read_calendars
from templates_app.expander.windows_in_force import book, windows_in_force
from templates_app.models import OnClosed, Template
from templates_app.operations.templates import TemplateGone
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import WindowBook
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse
from tenants.models import Merchant


@dataclass(frozen=True)
class Schedule:
    """What decides over occurrences, and the phrases of the calendars for a sentence."""

    rules: Rules
    avoid: tuple[str, ...]
    keep_to: tuple[str, ...]


def schedule_of(template: Template, start: datetime) -> Schedule:
    """Return a stored template's, with the windows since `start`.

    Raises TemplateGone, RecurrenceError.
    """
    rows = read_these([template.id])
    if template.id not in rows:
        raise TemplateGone("The template was deleted.")
    row = rows[template.id]
    around = look_around([row], start)
    return Schedule(
        rules_of(row, around),
        tuple(one.describe() for one in around.calendars_of(row.avoid)),
        tuple(one.describe() for one in around.calendars_of(row.keep_to)),
    )


def schedule_from(
    columns: Mapping[str, Any], *, windows: WindowBook | None, seed: str = ""
) -> Schedule:
    """Return that of a template with these columns. Raises RecurrenceError, InvalidFields."""
    recurrence = parse(columns["recurrence"], seed=seed)
    avoid = _calendars("avoid", columns.get("avoid", ()))
    keep_to = _calendars("keep_to", columns.get("keep_to", ()))
    rules = Rules(
        recurrence=recurrence,
        seed=seed,
        opening=opening(avoid, keep_to, recurrence.zone) if avoid or keep_to else None,
        on_closed=ClosedPolicy(columns.get("on_closed", OnClosed.SKIP)),
        windows=windows,
    )
    return Schedule(
        rules,
        tuple(one.describe() for one in avoid),
        tuple(one.describe() for one in keep_to),
    )


def windows_around(
    merchant: Merchant, start: datetime, template: Template | None = None
) -> WindowBook | None:
    """Return the windows since `start` that concern a merchant's template: one, or one to come."""
    templates = {template.id} if template else set()
    found = windows_in_force({merchant.pk}, templates, start)
    return book(row for owner in (None, merchant.pk, *templates) for row in found.get(owner, ()))


def _calendars(name: str, ids: Sequence[UUID]) -> tuple[CalendarSet, ...]:
    try:
        found = read_calendars(set(ids))
    except RecurrenceError:
        # Stored by another release. Which of them is it?
        raise InvalidFields(_faults(name, ids)) from None
    return tuple(found[one] for one in ids if one in found)


def _faults(name: str, ids: Sequence[UUID]) -> list[FieldProblem]:
    problems = []
    for one in ids:
        try:
            read_calendars({one})
        except RecurrenceError as error:
            told = f'"{name}" names the calendar {one}, which cannot be read: {error.message} '
            remedy = "Edit that calendar, or leave it out."
            problems.append(FieldProblem(f"/{name}", "bad_calendar", told + remedy))
    return problems
