"""New jobs: what producers ask for, and the occurrences of templates."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from jobs.dependency_rows import NewDependency
from jobs.lifecycle.announcing import announce
from jobs.lifecycle.archiving import recall
from jobs.models import Job
from jobs.occurrence_rows import NewOccurrence, occurrences_text
from jobs.rows import dumped, moved_of, moved_row
from jobs.statements import creating, depending
from jobs.states import JobStatus
from tenants.statement import execute


class MissingParents(LookupError):
    """Some parents are no jobs of the merchant; `ids` names them. Nothing was stored."""

    def __init__(self, ids: frozenset[UUID]) -> None:
        super().__init__(f"{len(ids)} parents are missing.")
        self.ids = ids


def create(jobs: Sequence[Job]) -> list[Job]:
    """Insert new jobs as scheduled for their `run_at`, in one statement; all or none.

    A template's jobs come by `create_occurrences`: what makes them one is not stored here.
    """
    if not jobs:
        return []
    keyed = any(job.unique_key or job.concurrency_key for job in jobs)
    plain = creating.KEYED if keyed else creating.PLAIN
    statement = creating.CREATE_KEYED if keyed else creating.CREATE
    created_at = execute(statement, **_columns(jobs, plain))[0][0]
    for job in jobs:
        job.status = JobStatus.SCHEDULED
        job.scheduled_at = job.run_at
        job.created_at = created_at
        job._state.adding = False  # noqa: SLF001 - Django names it as public API
    announce("create", [moved_of(job) for job in jobs])
    return list(jobs)


def create_graph(jobs: Sequence[Job], dependencies: Sequence[NewDependency]) -> list[Job]:
    """Insert new jobs of one merchant with what they depend on; all or none.

    Jobs that depend on something begin as blocked, also when their parents have ended: the next
    step of `settle_dependencies` decides, one way for all. The caller tells the populator
    (`publishing.wake`). Raises MissingParents.
    """
    own = {job.id for job in jobs}
    children = {one.child_id for one in dependencies}
    parents = {one.parent_id for one in dependencies}
    with transaction.atomic():
        # Before anything is stored: of two graphs that meet in several parents one waits here.
        _await(jobs[0].merchant_id, parents - own)
        for job in jobs:
            job.status = JobStatus.BLOCKED if job.id in children else JobStatus.SCHEDULED
            job.scheduled_at = job.run_at
            job.awaited = job.id in parents
        created_at = execute(creating.CREATE_GRAPH, **_columns(jobs, creating.GRAPH))[0][0]
        execute(
            depending.DEPEND,
            parents=[one.parent_id for one in dependencies],
            children=[one.child_id for one in dependencies],
            names=[one.name for one in dependencies],
            needs=[one.needs for one in dependencies],
        )
    for job in jobs:
        job.created_at = created_at
        job._state.adding = False  # noqa: SLF001 - Django names it as public API
    announce("create", [moved_of(job) for job in jobs])
    return list(jobs)


def _await(merchant_id: UUID, parents: set[UUID]) -> None:
    if not parents:
        return
    ids = list(parents)
    locked = execute(depending.LOCK_PARENTS, ids=ids, merchant=merchant_id)
    missing = parents - {row[0] for row in locked}
    # Archived ones are as good as those that ended of late. Brought back, they are this transaction's.
    missing -= recall(missing, merchant_id=merchant_id)
    if missing:
        raise MissingParents(frozenset(missing))
    execute(depending.AWAIT, ids=ids)


def _columns(jobs: Sequence[Job], plain: Sequence[str]) -> dict[str, Any]:
    columns: dict[str, Any] = {name: [getattr(job, name) for job in jobs] for name in plain}
    for name in creating.AS_JSON:
        columns[name] = [dumped(getattr(job, name)) for job in jobs]
    return columns


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
