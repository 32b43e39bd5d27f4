"""Templates that stop: what becomes of their plans when they are paused, switched off, given up."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from jobs import lifecycle
from templates_app.expander.afresh import named_by_jobs, undecided
from templates_app.expander.due import DueTemplate
from templates_app.expander.outcome import Outcome
from templates_app.expander.planned_rows import replace_planned_rows
from templates_app.expander.rows import PAUSED, SWITCHED_OFF, Told, in_rows, planned_by
from templates_app.expander.too_late import GIVEN_UP, count_missed
from templates_app.expander.writing import write_settled
from templates_app.planning.window_book import naive
from templates_app.recurrence.errors import RecurrenceError


def stop(templates: Sequence[DueTemplate], now: datetime) -> None:
    """Take away what waits, in the caller's transaction; what was due already is a row."""
    if not templates:
        return
    withdrawn = withdraw([template.id for template in templates])
    replace_planned_rows(templates, now)
    outcomes = []
    for template in templates:
        why = PAUSED if template.active else SWITCHED_OFF
        named = named_by_jobs(template, withdrawn.get(template.id, frozenset()), naive(now))
        told = [
            Told(moment=moment, at=at if at <= naive(now) else moment, **why)
            for moment, at in named.items()
        ]
        outcomes.append(Outcome(template=template, skips=in_rows(template, told)))
    write_settled(outcomes, now)


def give_up(templates: Iterable[DueTemplate], now: datetime) -> None:
    """Have what nobody could decide on show as missed, in the caller's transaction."""
    outcomes = []
    for template in templates:
        recurrence = planned_by(template)
        outcome = Outcome(template=template)
        for after, until in undecided(template, naive(now)):
            try:
                row = recurrence and count_missed(recurrence, after, until, GIVEN_UP)
            except RecurrenceError:
                # It names nothing that could be counted.
                row = None
            outcome.skips += [row] if row else []
        outcomes.append(outcome)
    write_settled(outcomes, now)


def withdraw(ids: Sequence[UUID]) -> dict[UUID, frozenset[datetime]]:
    """Delete the plans of these templates; return their occurrences, naive UTC."""
    found: dict[UUID, set[datetime]] = {}
    if ids:
        for template_id, occurrence_at in lifecycle.withdraw(template_ids=ids):
            found.setdefault(template_id, set()).add(naive(occurrence_at))
    return {template_id: frozenset(moments) for template_id, moments in found.items()}
