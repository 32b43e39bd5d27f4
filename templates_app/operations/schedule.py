"""What surrounds a template for which nothing is planned: stored or not, as somebody wants it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.operations.fields import InvalidFields
from templates_app.calendars.calendar_set import CalendarSet
from templates_app.calendars.openness import ClosedPolicy, opening
from templates_app.expander.batch import read_these
from templates_app.expander.due import DueTemplate
from templates_app.expander.outcome import rules_of
from templates_app.expander.surroundings import Surroundings, look_around, read_calendars
from templates_app.expander.windows_in_force import book, windows_in_force
from templates_app.models import OnClosed, Template
from templates_app.operations.templates import TemplateGone
from templates_app.operations.unreadable import refuse_unreadable, unreadable_calendars
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import WindowBook, naive
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

    Raises TemplateGone, InvalidFields, RecurrenceError.
    """
    rows = read_these([template.id])
    if template.id not in rows:
        raise TemplateGone("The template was deleted.")
    row = rows[template.id]
    around = look_around([row], start)
    return Schedule(
        rules_around(row, around, start),
        tuple(one.describe() for one in around.calendars_of(row.avoid)),
        tuple(one.describe() for one in around.calendars_of(row.keep_to)),
    )


def schedule_from(
    columns: Mapping[str, Any],
    *,
    windows: WindowBook | None,
    born: datetime,
    start: datetime,
    seed: str = "",
) -> Schedule:
    """Return that of a template with these columns, made when it was `born`, looked at from `start`.

    Raises RecurrenceError, InvalidFields.
    """
    recurrence = parse(columns["recurrence"], seed=seed)
    avoid = _calendars("avoid", columns.get("avoid", ()))
    keep_to = _calendars("keep_to", columns.get("keep_to", ()))
    rules = Rules(
        recurrence=recurrence,
        seed=seed,
        opening=opening(avoid, keep_to, recurrence.zone) if avoid or keep_to else None,
        on_closed=ClosedPolicy(columns.get("on_closed", OnClosed.SKIP)),
        windows=windows,
        born=_born(born, start),
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
    owners = (None, merchant.pk, *templates)
    return book(window for owner in owners for window in found.get(owner, ()))


def _born(born: datetime, start: datetime) -> datetime | None:
    """Return when its time begins, in naive UTC; None where it is looked at as if it always was."""
    return naive(born) if born <= start else None


def rules_around(row: DueTemplate, around: Surroundings, start: datetime) -> Rules:
    """Return what decides over a template's occurrences, looked at from `start`.

    Raises InvalidFields, RecurrenceError.
    """
    try:
        rules = rules_of(row, around)
    except RecurrenceError:
        refuse_unreadable(row)
        raise
    return replace(rules, born=_born(row.created_at, start))


def _calendars(name: str, ids: Sequence[UUID]) -> tuple[CalendarSet, ...]:
    try:
        found = read_calendars(set(ids))
    except RecurrenceError:
        problems = unreadable_calendars(name, ids)
        if problems:
            raise InvalidFields(problems) from None
        raise
    return tuple(found[one] for one in ids if one in found)
