"""Create jobs: admitted by the quota, inserted in one statement, the populator told."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from jobs import lifecycle, publishing, quota
from jobs.dependency_rows import NewDependency
from jobs.models import Job
from jobs.operations.fields import InvalidFields
from jobs.operations.graph import missing_parent
from jobs.operations.new_job import NewJob
from tenants.models import Merchant

# The populator plans its sleep ahead: a job due sooner than its next look is worth a hint.
SOON = timedelta(seconds=1)


def create_jobs(*, merchant: Merchant, new_jobs: Sequence[NewJob], now: datetime) -> list[Job]:
    """Store all of the jobs or none, in the order given.

    What they depend on was looked at by `jobs.operations.graph.check_graph`. Raises QuotaExceeded,
    and InvalidFields when a parent has been deleted since.
    """
    if not new_jobs:
        return []
    quota.admit(merchant, adding=len(new_jobs), now=now)
    jobs = [_job(merchant, new_job) for new_job in new_jobs]
    dependencies = _dependencies(jobs, new_jobs)
    with transaction.atomic():
        if dependencies:
            created = _create_graph(jobs, dependencies, new_jobs)
        else:
            created = lifecycle.create(jobs)
        # Parents may have ended already.
        if dependencies or any(new_job.run_at <= now + SOON for new_job in new_jobs):
            transaction.on_commit(publishing.wake)
    return created


def _create_graph(
    jobs: list[Job], dependencies: list[NewDependency], new_jobs: Sequence[NewJob]
) -> list[Job]:
    try:
        return lifecycle.create_graph(jobs, dependencies)
    except lifecycle.MissingParents as gone:
        raise InvalidFields(
            missing_parent(parent)
            for new_job in new_jobs
            for parent in new_job.family.parents
            if parent.job in gone.ids
        ) from gone


def _dependencies(jobs: Sequence[Job], new_jobs: Sequence[NewJob]) -> list[NewDependency]:
    refs = {
        new_job.family.ref: job.id
        for job, new_job in zip(jobs, new_jobs, strict=True)
        if new_job.family.ref
    }
    return [
        NewDependency(
            parent_id=parent.job or refs[parent.ref],
            child_id=job.id,
            name=parent.name,
            needs=parent.needs,
        )
        for job, new_job in zip(jobs, new_jobs, strict=True)
        for parent in new_job.family.parents
    ]


def _job(merchant: Merchant, new: NewJob) -> Job:
    return Job(
        merchant=merchant,
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
        condition=new.family.condition,
        draws_on_parents=new.family.draws_on_parents,
    )
