"""One batch of templates: read what surrounds them, plan each, write everything at once."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobs import lifecycle, publishing
from jobs.rows import Missed
from templates_app import statements
from templates_app.calendars.versions import data_versions
from templates_app.expander.due import DueTemplate, aware, due_template
from templates_app.expander.outcome import Outcome, outcome_of
from templates_app.expander.surroundings import Surroundings, look_around
from templates_app.expansion import Expansion
from templates_app.planning.window_book import naive

logger = logging.getLogger(__name__)

# After so many failures in a row a template is set aside; before, it is tried again this much later.
TRIES = 3
RETRY = timedelta(seconds=30)
# How long a template of an inactive merchant is left alone.
INACTIVE = timedelta(minutes=5)
# A job due this soon is worth waking the populator for.
SOON = timedelta(seconds=1)


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


def plan_again(template_ids: Sequence[UUID], now: datetime, expansion: Expansion) -> Written:
    """Replace the plans of these templates, in the caller's transaction.

    Their waiting jobs are withdrawn, also those of templates that no longer expand. Raises what is
    wrong with a template.
    """
    with transaction.atomic():
        due = claim_these(template_ids)
        known = {template.id for template in due}
        stopped = [one for one in template_ids if one not in known]
        if stopped:
            lifecycle.withdraw(template_ids=stopped)
            _execute(statements.FORGET_PLANNED_SKIPS, ids=stopped, now=now)
        return write_batch(due, now, expansion, failed=_raise)


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
        _execute(statements.POSTPONE, ids=waiting, until=now + INACTIVE)
    due = [template for template in due if _expands(template, now)]
    written = Written(claimed=len(due) + len(waiting))
    if not due:
        return written
    around = look_around(due)
    fresh = [template.id for template in due if template.is_fresh()]
    withdrawn = _withdraw(fresh, now)
    going_on = [template.id for template in due if not template.is_fresh()]
    late = _late(going_on, now)
    outcomes: list[Outcome] = []
    for template in due:
        try:
            outcomes.append(_outcome(template, around, now, expansion, withdrawn, late))
        except Exception as error:  # noqa: BLE001 - one template's fault must not hold up the others
            failed(template, error)
            written.failures[template.id] = f"{type(error).__name__}: {error}"
    _write(outcomes, now, written)
    return written


def record_failures(failures: dict[UUID, str], now: datetime) -> None:
    """Try these templates again later, or set them aside after three failures in a row."""
    for template_id, reason in failures.items():
        rows = _execute(
            statements.RECORD_FAILURE,
            id=template_id,
            tries=TRIES,
            now=now,
            reason=reason,
            again=now + RETRY,
        )
        if rows and rows[0][0]:
            # The reason may quote the merchant's payload: it stays in the row.
            logger.error("Template %s was set aside after %d failures.", template_id, TRIES)


@lru_cache(maxsize=1)
def versions() -> str:
    """Return the versions of the data that plans depend on, as stored with each expansion."""
    found = data_versions()
    return f"tzdata {found.tzdata}, holidays {found.holidays}"


def _outcome(
    template: DueTemplate,
    around: Surroundings,
    now: datetime,
    expansion: Expansion,
    withdrawn: dict[UUID, set[datetime]],
    late: dict[UUID, list[Missed]],
) -> Outcome:
    return outcome_of(
        template,
        around,
        now=naive(now),
        expansion=expansion,
        withdrawn=frozenset(withdrawn.get(template.id, ())),
        late=late.get(template.id, ()),
    )


def _write(outcomes: Sequence[Outcome], now: datetime, written: Written) -> None:
    jobs = [job for outcome in outcomes for job in outcome.jobs]
    created = set(lifecycle.create_occurrences(jobs))
    written.created += len(created)
    _settle_late(outcomes, now)
    written.skipped += _record_skipped(outcomes)
    _execute(
        statements.ADVANCE,
        ids=[outcome.template.id for outcome in outcomes],
        expanded_to=[outcome.expanded_to and aware(outcome.expanded_to) for outcome in outcomes],
        next=[
            outcome.next_expansion_at and aware(outcome.next_expansion_at) for outcome in outcomes
        ],
        versions=versions(),
    )
    if any(outcome.release_jobs for outcome in outcomes) or any(
        job.run_at <= now + SOON for job in jobs
    ):
        transaction.on_commit(publishing.wake)


def read_these(ids: Sequence[UUID]) -> dict[UUID, DueTemplate]:
    """Return named templates without locking them."""
    found = _claimed(statements.READ_THESE, ids=list(ids))
    return {template.id: template for template in found}


def write_settled(outcomes: Iterable[Outcome], now: datetime) -> None:
    """Write what was decided about late jobs. Call it in a transaction."""
    outcomes = list(outcomes)
    _settle_late(outcomes, now)
    _record_skipped(outcomes)
    if any(outcome.release_jobs for outcome in outcomes):
        transaction.on_commit(publishing.wake)


def _settle_late(outcomes: Iterable[Outcome], now: datetime) -> None:
    by_reason: defaultdict[str, list[UUID]] = defaultdict(list)
    released: list[UUID] = []
    for outcome in outcomes:
        for reason, ids in outcome.skip_jobs.items():
            by_reason[reason] += ids
        released += outcome.release_jobs
    for reason, ids in by_reason.items():
        lifecycle.skip(job_ids=ids, now=now, reason=reason)
    if released:
        lifecycle.release_missed(job_ids=released)


def _record_skipped(outcomes: Iterable[Outcome]) -> int:
    rows = [(outcome.template, skip) for outcome in outcomes for skip in outcome.skips]
    if rows:
        _execute(
            statements.RECORD_SKIPPED,
            merchants=[template.merchant_id for template, _ in rows],
            templates=[template.id for template, _ in rows],
            causes=[skip.cause for _, skip in rows],
            reasons=[skip.reason for _, skip in rows],
            firsts=[aware(skip.first_at) for _, skip in rows],
            lasts=[aware(skip.last_at) for _, skip in rows],
            counts=[skip.count for _, skip in rows],
        )
    return sum(skip.count for _, skip in rows)


def _withdraw(fresh: Sequence[UUID], now: datetime) -> dict[UUID, set[datetime]]:
    """Delete old plans; return the occurrences that are due already and must be made again."""
    found: defaultdict[UUID, set[datetime]] = defaultdict(set)
    if fresh:
        for template_id, occurrence_at in lifecycle.withdraw(template_ids=fresh):
            if occurrence_at <= now:
                found[template_id].add(naive(occurrence_at))
        _execute(statements.FORGET_PLANNED_SKIPS, ids=list(fresh), now=now)
    return found


def _late(template_ids: Sequence[UUID], now: datetime) -> dict[UUID, list[Missed]]:
    found: defaultdict[UUID, list[Missed]] = defaultdict(list)
    if template_ids:
        for job in lifecycle.find_missed_of(template_ids=template_ids, now=now):
            found[job.template_id].append(job)
    return found


def _expands(template: DueTemplate, now: datetime) -> bool:
    if not template.merchant_active:
        return False
    if template.paused_at is None:
        return True
    return template.resume_at is not None and template.resume_at <= now


def _claimed(statement: str, **values: Any) -> list[DueTemplate]:
    return [due_template(row) for row in _execute(statement, **values)]


def _execute(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _raise(_template: DueTemplate, error: Exception) -> None:
    raise error
