"""One batch of templates: read what surrounds them, plan each, write everything at once."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from jobs import lifecycle
from templates_app import statements
from templates_app.expander.due import DueTemplate, due_template
from templates_app.expander.execution import execute
from templates_app.expander.late_jobs import NONE_DUE, find_due_jobs
from templates_app.expander.outcome import Outcome, outcome_of
from templates_app.expander.surroundings import look_around
from templates_app.expander.writing import write_outcomes
from templates_app.expansion import Expansion
from templates_app.planning.window_book import naive

logger = logging.getLogger(__name__)

# How long a template of an inactive merchant is left alone.
INACTIVE = timedelta(minutes=5)


@dataclass(kw_only=True)
class Written:
    """What a batch came to."""

    claimed: int = 0
    created: int = 0
    skipped: int = 0
    failures: dict[UUID, str] = field(default_factory=dict)


def claim(now: datetime, limit: int) -> list[DueTemplate]:
    """Lock and return templates that are due. Call it in a transaction."""
    return _claimed(statements.CLAIM_DUE, now=now, limit=limit)


def claim_these(ids: Sequence[UUID]) -> list[DueTemplate]:
    """Lock and return named templates that expand at all. Call it in a transaction."""
    return _claimed(statements.CLAIM_THESE, ids=list(ids))


def claim_late(ids: Sequence[UUID]) -> list[DueTemplate]:
    """Lock and return named templates that no other session holds. Call it in a transaction."""
    return _claimed(statements.CLAIM_LATE, ids=list(ids))


def read_these(ids: Sequence[UUID]) -> dict[UUID, DueTemplate]:
    """Return named templates without locking them."""
    found = _claimed(statements.READ_THESE, ids=list(ids))
    return {template.id: template for template in found}


def plan_again(template_ids: Sequence[UUID], now: datetime, expansion: Expansion) -> Written:
    """Replace the plans of these templates, in the caller's transaction.

    Their waiting jobs are withdrawn, also those of templates that no longer expand. Raises what is
    wrong with a template.
    """
    with transaction.atomic(savepoint=False):
        due = claim_these(template_ids)
        going = {template.id for template in due if not template.is_paused(now)}
        _withdraw([one for one in template_ids if one not in going], now)
        return write_batch(due, now, expansion, failed=_raise)


def catch_up(template_ids: Sequence[UUID], now: datetime, expansion: Expansion) -> Written:
    """Decide on what is overdue by the rules as they stand, before somebody changes them.

    A template that cannot be planned stays as it is: the change may be its mend.
    """
    with transaction.atomic(savepoint=False):
        return write_batch(claim_these(template_ids), now, expansion, failed=_let_be)


def write_batch(
    due: Sequence[DueTemplate],
    now: datetime,
    expansion: Expansion,
    *,
    failed: Callable[[DueTemplate, Exception], None],
) -> Written:
    """Expand claimed templates. `failed` hears of those that cannot be planned."""
    waiting = [template.id for template in due if not _expands(template, now)]
    if waiting:
        execute(statements.POSTPONE, ids=waiting, until=now + INACTIVE)
    due = [template for template in due if _expands(template, now)]
    written = Written(claimed=len(due) + len(waiting))
    if not due:
        return written
    around = look_around(due, now)
    due_jobs = find_due_jobs(due, now)
    withdrawn = _withdraw([template.id for template in due if template.is_fresh()], now)
    outcomes: list[Outcome] = []
    for template in due:
        try:
            outcome = outcome_of(
                template,
                around,
                now=naive(now),
                expansion=expansion,
                withdrawn=frozenset(withdrawn.get(template.id, ())),
                due_jobs=due_jobs.get(template.id, NONE_DUE),
            )
        except Exception as error:  # noqa: BLE001 - one template's fault must not hold up the others
            failed(template, error)
            written.failures[template.id] = f"{type(error).__name__}: {error}"
        else:
            outcomes.append(outcome)
    written.created, written.skipped = write_outcomes(outcomes, now)
    return written


def _withdraw(ids: Sequence[UUID], now: datetime) -> dict[UUID, set[datetime]]:
    """Delete old plans; return the occurrences that are due already and must be made again."""
    found: defaultdict[UUID, set[datetime]] = defaultdict(set)
    if ids:
        for template_id, occurrence_at in lifecycle.withdraw(template_ids=ids):
            if occurrence_at <= now:
                found[template_id].add(naive(occurrence_at))
        execute(statements.FORGET_PLANNED_SKIPS, ids=list(ids), now=now)
    return found


def _expands(template: DueTemplate, now: datetime) -> bool:
    return template.merchant_active and not template.is_paused(now)


def _claimed(statement: str, **values: Any) -> list[DueTemplate]:
    return [due_template(row) for row in execute(statement, **values)]


def _let_be(template: DueTemplate, error: Exception) -> None:
    logger.info("Template %s is changed while it fails (%s).", template.id, type(error).__name__)


def _raise(_template: DueTemplate, error: Exception) -> None:
    raise error
