"""One batch of templates: read what surrounds them, plan each, write everything at once."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from templates_app import statements
from templates_app.expander.due import DueTemplate, due_template
from templates_app.expander.late_jobs import NONE_DUE, DueJobs, find_due_jobs
from templates_app.expander.outcome import Outcome, outcome_of
from templates_app.expander.planned_rows import replace_planned_rows
from templates_app.expander.stand import Stand
from templates_app.expander.stopping import give_up, stop, withdraw
from templates_app.expander.surroundings import Surroundings, look_around
from templates_app.expander.writing import write_outcomes
from templates_app.expansion import Expansion
from templates_app.planning.window_book import naive
from tenants.statement import execute

logger = logging.getLogger(__name__)

# How long a template of an inactive merchant is left alone.
INACTIVE = timedelta(minutes=5)
# What planning one batch may take before the rest is left for the next one: it holds locks. At least
# one template is planned, so every one gets its turn.
BUDGET = timedelta(seconds=2)


@dataclass(kw_only=True)
class Written:
    """What a batch came to. `left`: templates that there was no time for; they stay due.

    `stands`: where those that were planned stand now.
    """

    claimed: int = 0
    created: int = 0
    skipped: int = 0
    left: int = 0
    failures: dict[UUID, str] = field(default_factory=dict)
    stands: Mapping[UUID, Stand] = field(default_factory=dict)


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

    The waiting jobs of those that no longer expand are withdrawn. Raises what is wrong with a
    template.
    """
    return plan_claimed(_claimed(statements.LOCK_THESE, ids=list(template_ids)), now, expansion)


def plan_claimed(found: Sequence[DueTemplate], now: datetime, expansion: Expansion) -> Written:
    """Do the same for templates that the caller's transaction has locked."""
    with transaction.atomic(savepoint=False):
        stop([one for one in found if not one.expands or one.is_paused(now)], now)
        due = [one for one in found if one.expands]
        return write_batch(due, now, expansion, failed=_raise)


def catch_up(template_ids: Sequence[UUID], now: datetime, expansion: Expansion) -> Written:
    """Decide on what is overdue by the rules as they stand, before somebody changes them.

    A template that cannot be planned stays as it is: the change may be its mend.
    """
    with transaction.atomic(savepoint=False):
        return write_batch(claim_these(template_ids), now, expansion, failed=_let_be)


def write_off(template_ids: Sequence[UUID], now: datetime) -> None:
    """Have what these templates could not decide on up to now show as missed."""
    with transaction.atomic(savepoint=False):
        give_up(_claimed(statements.LOCK_THESE, ids=list(template_ids)), now)


def write_batch(
    due: Sequence[DueTemplate],
    now: datetime,
    expansion: Expansion,
    *,
    failed: Callable[[DueTemplate, Exception], None],
) -> Written:
    """Expand claimed templates. `failed` hears of those that cannot be planned.

    Their waiting jobs stay, as do those of templates that there was no time for.
    """
    waiting = [template.id for template in due if not _expands(template, now)]
    if waiting:
        execute(statements.POSTPONE, ids=waiting, now=now, until=now + INACTIVE)
    due = [template for template in due if _expands(template, now)]
    written = Written(claimed=len(waiting))
    if not due:
        return written
    batch = _Batch(look_around(due, now), find_due_jobs(due, now), now, expansion)
    outcomes: list[Outcome] = []
    until = time.monotonic() + BUDGET.total_seconds()
    for index, template in enumerate(due):
        if index and time.monotonic() >= until:
            written.left = len(due) - index
            break
        try:
            outcomes.append(batch.plan(template, batch.jobs_of(template).planned))
        except Exception as error:  # noqa: BLE001 - one template's fault must not hold up the others
            failed(template, error)
            written.failures[template.id] = f"{type(error).__name__}: {error}"
    written.claimed += len(due) - written.left
    outcomes = batch.with_plans_replaced(outcomes)
    written.created, written.skipped, stands = write_outcomes(outcomes, now)
    written.stands = {stand.template_id: stand for stand in stands}
    return written


@dataclass(frozen=True, slots=True)
class _Batch:
    around: Surroundings
    due_jobs: Mapping[UUID, DueJobs]
    now: datetime
    expansion: Expansion

    def plan(self, template: DueTemplate, withdrawn: Collection[datetime]) -> Outcome:
        """Plan one template whose plan is withdrawn, or will be if all goes well."""
        return outcome_of(
            template,
            self.around,
            now=naive(self.now),
            expansion=self.expansion,
            withdrawn=frozenset(withdrawn),
            due_jobs=self.jobs_of(template),
        )

    def jobs_of(self, template: DueTemplate) -> DueJobs:
        return self.due_jobs.get(template.id, NONE_DUE)

    def with_plans_replaced(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Take away the old plans of what was planned afresh.

        A worker may have started one of the jobs meanwhile, or handed one back: then its template is
        planned once more, by what was really withdrawn.
        """
        fresh = [one.template for one in outcomes if one.template.is_fresh()]
        withdrawn = withdraw([template.id for template in fresh])
        replace_planned_rows(fresh, self.now)
        result = []
        for outcome in outcomes:
            template = outcome.template
            gone = withdrawn.get(template.id, frozenset())
            if template.is_fresh() and gone != self.jobs_of(template).planned:
                result.append(self.plan(template, gone))
            else:
                result.append(outcome)
        return result


def _expands(template: DueTemplate, now: datetime) -> bool:
    return template.merchant_active and not template.is_paused(now)


def _claimed(statement: str, **values: Any) -> list[DueTemplate]:
    return [due_template(row) for row in execute(statement, **values)]


def _let_be(template: DueTemplate, error: Exception) -> None:
    logger.info("Template %s is changed while it fails (%s).", template.id, type(error).__name__)


def _raise(_template: DueTemplate, error: Exception) -> None:
    raise error
