"""When a template happens: its recurrence read from JSON, and what must fit it."""

from datetime import datetime, timedelta
from itertools import islice, pairwise

from jobs.operations.fields import Fields
from templates_app.operations.faults import recurrence_problem
from templates_app.planning.rules import BACKWARDS
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse
from templates_app.recurrence.value import Recurrence

# Whoever moves occurrences to an earlier day has them planned five weeks ahead.
LEAST_GAP = timedelta(hours=6)
GAPS_LOOKED_AT = 50


def read_recurrence(fields: Fields, seed: str) -> Recurrence | None:
    """Return the recurrence; None after adding to `fields` what is wrong with it."""
    document = fields.data.get("recurrence")
    if document is None:
        fields.refuse("recurrence", "required", "is required: when does it happen?")
        return None
    try:
        return parse(document, seed=seed)
    except RecurrenceError as error:
        _refuse(fields, error)
        return None


def stored_recurrence(fields: Fields, seed: str) -> Recurrence | None:
    """Return the recurrence; None when this release cannot read it, which is not told here."""
    try:
        return parse(fields.data.get("recurrence"), seed=seed)
    except RecurrenceError:
        return None


def refuse_ended(fields: Fields, seed: str, now: datetime) -> None:
    """Refuse a recurrence of which nothing follows, or that is too costly to be searched."""
    recurrence = stored_recurrence(fields, seed)
    try:
        if recurrence is not None and recurrence.next(now) is None:
            fields.refuse("recurrence", "ended", "has no occurrence in the future.")
    except RecurrenceError as error:
        _refuse(fields, error)


def refuse_dense_backwards(fields: Fields, recurrence: Recurrence, now: datetime) -> None:
    """Refuse to move occurrences to an earlier time that follow one another closely."""
    on_closed = fields.data.get("on_closed")
    if on_closed not in BACKWARDS or not (fields.data.get("avoid") or fields.data.get("keep_to")):
        return
    try:
        found = [one.scheduled for one in islice(recurrence.occurrences(now), GAPS_LOOKED_AT)]
    except RecurrenceError as error:
        _refuse(fields, error)
        return
    if any(later - earlier < LEAST_GAP for earlier, later in pairwise(found)):
        fields.refuse(
            "on_closed",
            "too_dense",
            f"can be {on_closed} only when six hours or more lie between occurrences; use "
            "next_open, next_business_day or skip.",
        )


def _refuse(fields: Fields, error: RecurrenceError) -> None:
    document = fields.data.get("recurrence")
    fields.problems.append(recurrence_problem(error, document, f"{fields.pointer}/recurrence"))
