"""New jobs: what producers ask for, and the occurrences of templates."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jobs.lifecycle.announcing import announce
from jobs.models import Job
from jobs.rows import NewOccurrence, dumped, moved_of, moved_row, occurrences_text
from jobs.statements import creating
from jobs.states import JobStatus
from tenants.statement import execute


def create(jobs: Sequence[Job]) -> list[Job]:
    """Insert new jobs as scheduled for their `run_at`, in one statement; all or none.

    A template's jobs come by `create_occurrences`: what makes them one is not stored here.
    """
    if not jobs:
        return []
    keyed = any(job.unique_key for job in jobs)
    plain = creating.KEYED if keyed else creating.PLAIN
    columns: dict[str, Any] = {name: [getattr(job, name) for job in jobs] for name in plain}
    for name in creating.AS_JSON:
        columns[name] = [dumped(getattr(job, name)) for job in jobs]
    created_at = execute(creating.CREATE_KEYED if keyed else creating.CREATE, **columns)[0][0]
    for job in jobs:
        job.status = JobStatus.SCHEDULED
        job.scheduled_at = job.run_at
        job.created_at = created_at
        job._state.adding = False  # noqa: SLF001 - Django names it as public API
    announce("create", [moved_of(job) for job in jobs])
    return list(jobs)


def create_occurrences(occurrences: Sequence[NewOccurrence]) -> list[UUID]:
    """Insert a template's jobs, in one statement; return the ids of those that were new.

    A (template, nominal moment) that has a job already is left as it is, in whatever status. One
    without a nominal moment (run now) is always new. Whether the merchant is active is the
    caller's question, and so is telling the populator of what is due soon (`publishing.wake`).
    """
    if not occurrences:
        return []
    found = execute(creating.CREATE_OCCURRENCES, occurrences=occurrences_text(occurrences))
    moved = announce("create", [moved_row(row) for row in found])
    return [job.job_id for job in moved]
