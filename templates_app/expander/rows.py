"""Rows of occurrences that were planned and taken away before they ran."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from templates_app.expander.due import DueTemplate
from templates_app.planning.plan import Skip
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse_stored
from templates_app.recurrence.value import Recurrence

TICK = timedelta(microseconds=1)


class Why(TypedDict):
    """A cause and its sentence."""

    cause: str
    reason: str


CHANGED = Why(cause="changed", reason="Its template was changed before this run started.")
PAUSED = Why(cause="paused", reason="The template was paused before this run started.")
SWITCHED_OFF = Why(cause="paused", reason="The template was switched off before this run started.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An occurrence that does not run (naive UTC): what its recurrence named, where it shows, why."""

    moment: datetime
    at: datetime
    cause: str
    reason: str


def in_rows(template: DueTemplate, told: Iterable[Told]) -> list[Skip]:
    """Return one row for occurrences in a row with one reason; nothing else lies between them."""
    rows: list[Skip] = []
    recurrence = planned_by(template)
    last: Told | None = None
    for one in sorted(told, key=lambda one: one.moment):
        if last is not None and recurrence is not None and _follows(recurrence, last, one):
            row = rows[-1]
            rows[-1] = Skip(row.first_at, one.at, row.count + 1, row.cause, row.reason)
        else:
            rows.append(Skip(one.at, one.at, 1, one.cause, one.reason))
        last = one
    return rows


def planned_by(template: DueTemplate) -> Recurrence | None:
    """Return the recurrence that made the present jobs and rows; None when it cannot be read."""
    try:
        return parse_stored(template.planned_by, seed=str(template.id))
    except (RecurrenceError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _follows(recurrence: Recurrence, last: Told, one: Told) -> bool:
    if (last.moment, one.moment) != (last.at, one.at) or last.reason != one.reason:
        return False
    following = next(recurrence.moments(last.moment), None)
    return following is not None and following.scheduled == one.moment
