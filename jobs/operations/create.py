"""Create jobs: admitted by the quota, inserted in one statement, the populator told."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from jobs import lifecycle, publishing, quota
from jobs.models import Job
from jobs.operations.new_job import NewJob
from tenants.models import Merchant

# The populator plans its sleep ahead: a job due sooner than its next look is worth a hint.
SOON = timedelta(seconds=1)


def create_jobs(*, merchant: Merchant, new_jobs: Sequence[NewJob], now: datetime) -> list[Job]:
    """Store all of the jobs or none, in the order given. Raises QuotaExceeded."""
    if not new_jobs:
        return []
    quota.admit(merchant, adding=len(new_jobs), now=now)
    with transaction.atomic():
        created = lifecycle.create([_job(merchant, new_job) for new_job in new_jobs])
        if any(new_job.run_at <= now + SOON for new_job in new_jobs):
            transaction.on_commit(publishing.wake)
    return created


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
    )
