"""Create jobs: unique keys settled, admitted by the quota, inserted in one statement, the populator
told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.base import ModelState

from jobs import lifecycle, publishing, quota
from jobs.dependency_rows import NewDependency
from jobs.models import Job
from jobs.operations.fields import FieldProblem, InvalidFields
from jobs.operations.graph import missing_parent
from jobs.operations.new_job import NewJob
from jobs.operations.relations import Orphaned, dependencies_of, refuse_orphans
from jobs.operations.unique_keys import HeldProblem, UniqueKeyHeld, held
from jobs.states import Gate
from jobs.unique import Asked, Decisions
from tenants.identifiers import new_id
from tenants.models import Merchant

# The populator plans its sleep ahead: a job due sooner than its next look is worth a hint.
SOON = timedelta(seconds=1)
_NOTHING_ASKED = Decisions(found={}, refused={}, replaced=(), takers={})


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """The job that a request gets; not created when an earlier one holds its unique key."""

    job: Job
    created: bool


def create_jobs(*, merchant: Merchant, new_jobs: Sequence[NewJob], now: datetime) -> list[Placed]:
    """Store all of the jobs or none, in the order given.

    What they depend on was looked at by `jobs.operations.graph.check_graph`. Raises QuotaExceeded,
    UniqueKeyHeld, and InvalidFields when a parent has been deleted since.
    """
    with transaction.atomic():
        try:
            placed = _place(merchant, new_jobs, now)
        except Orphaned as orphans:
            raise UniqueKeyHeld(orphans.held) from None
        if refused := [one for one in placed if isinstance(one, HeldProblem)]:
            raise UniqueKeyHeld(refused)
    return [one for one in placed if isinstance(one, Placed)]


def place_jobs(
    *, merchant: Merchant, new_jobs: Sequence[NewJob], now: datetime
) -> list[Placed | FieldProblem]:
    """Store the jobs whose unique keys allow it, and say of each in turn what became of it.

    Raises QuotaExceeded, and InvalidFields as `create_jobs`, with nothing stored.
    """
    if not any(new.family.ref for new in new_jobs):
        with transaction.atomic():
            return _place(merchant, new_jobs, now)
    return _place_related(merchant, new_jobs, now)


def _place_related(
    merchant: Merchant, new_jobs: Sequence[NewJob], now: datetime
) -> list[Placed | FieldProblem]:
    orphaned: dict[str, FieldProblem] = {}  # by pointer
    with transaction.atomic():
        while True:
            kept = [new for new in new_jobs if new.pointer not in orphaned]
            try:
                with transaction.atomic():
                    placed = iter(_place(merchant, kept, now))
                break
            except Orphaned as orphans:
                # Undone, so that they leave no keys behind. Once more only when another session
                # takes a key meanwhile; fewer jobs are kept each time.
                orphaned |= orphans.problems
    return [orphaned.get(new.pointer) or next(placed) for new in new_jobs]


def _place(
    merchant: Merchant, new_jobs: Sequence[NewJob], now: datetime
) -> list[Placed | FieldProblem]:
    blank = {
        name: value for name, value in vars(Job(merchant=merchant)).items() if name != "_state"
    }
    jobs = [_job(merchant, blank, new_job) for new_job in new_jobs]
    decided = _settle(merchant, new_jobs, jobs, now)
    if decided.refused:
        refuse_orphans(new_jobs, jobs, decided)
    wanted = [job for job in jobs if job.pk not in decided.found and job.pk not in decided.refused]
    dependencies = dependencies_of(new_jobs, jobs, decided)
    if wanted:
        quota.admit(merchant, adding=len(wanted), now=now)
        _store(wanted, dependencies, new_jobs)
    replaced = {moved.job_id for moved in lifecycle.replace(decided.replaced)}
    # Parents may have ended already, and what waited for a replaced one is to be told.
    if dependencies or replaced or any(job.run_at <= now + SOON for job in wanted):
        transaction.on_commit(publishing.wake)
    return _placed(merchant, new_jobs, jobs, decided, replaced)


def _store(
    jobs: list[Job], dependencies: Sequence[NewDependency], new_jobs: Sequence[NewJob]
) -> None:
    if not dependencies:
        lifecycle.create(jobs)
        return
    try:
        lifecycle.create_graph(jobs, dependencies)
    except lifecycle.MissingParents as gone:
        raise InvalidFields(
            missing_parent(parent)
            for new_job in new_jobs
            for parent in new_job.family.parents
            if parent.job in gone.ids
        ) from gone


def _settle(
    merchant: Merchant, new_jobs: Sequence[NewJob], jobs: Sequence[Job], now: datetime
) -> Decisions:
    asked = [
        Asked(job_id=job.pk, unique=new.unique)
        for new, job in zip(new_jobs, jobs, strict=True)
        if new.unique is not None
    ]
    if not asked:
        return _NOTHING_ASKED
    parents = {parent.job for new in new_jobs for parent in new.family.parents if parent.job}
    return lifecycle.settle_keys(asked, merchant_id=merchant.pk, now=now, beside=parents)


def _placed(
    merchant: Merchant,
    new_jobs: Sequence[NewJob],
    jobs: Sequence[Job],
    decided: Decisions,
    replaced: set[UUID],
) -> list[Placed | FieldProblem]:
    ours = {job.pk for job in jobs}
    changed = (set(decided.found.values()) - ours) | (replaced & ours)
    known = Job.objects.of(merchant).in_bulk(changed) if changed else {}
    by_id = {job.pk: job for job in jobs} | known
    placed: list[Placed | FieldProblem] = []
    for new, job in zip(new_jobs, jobs, strict=True):
        if new.unique is not None and job.pk in decided.refused:
            placed.append(held(new.pointer, new.unique.key, decided.refused[job.pk]))
        elif job.pk in decided.found:
            placed.append(Placed(job=by_id[decided.found[job.pk]], created=False))
        else:
            placed.append(Placed(job=by_id[job.pk], created=True))
    return placed


def _job(merchant: Merchant, blank: Mapping[str, Any], new: NewJob) -> Job:
    """Return what `Job(...)` would, which works out fifty defaults, a quarter of a job's creation.

    `blank`: these defaults, without Django's own state.
    """
    job = Job.__new__(Job)
    job._state = ModelState()  # noqa: SLF001 - Django names it as public API
    job._state.fields_cache = {"merchant": merchant}  # noqa: SLF001
    job.__dict__.update(
        blank,
        id=new_id(),
        kind=new.work.kind,
        handler=new.work.handler,
        lane=new.work.lane,
        payload=new.work.payload,
        name=new.name,
        tags=new.tags,
        metadata=new.metadata,
        priority=new.priority,
        max_attempts=new.max_attempts,
        backoff=new.backoff,
        timeout=new.timeout,
        run_at=new.run_at,
        expires_at=new.expires_at,
        unique_key=new.unique.key if new.unique else "",
        unique_scope=new.unique.scope if new.unique else "",
        concurrency_key=new.concurrency.key,
        concurrency_limit=new.concurrency.limit,
        gate=Gate.KEYED if new.concurrency.key else "",
        condition=new.family.condition,
        draws_on_parents=new.family.draws_on_parents,
    )
    return job
