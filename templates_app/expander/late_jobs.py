"""Templates' jobs that are due and still wait: which of them are late, and whether one is in time."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from jobs.states import JobStatus
from templates_app import statements
from templates_app.expander.due import DueTemplate
from templates_app.expander.execution import execute
from templates_app.planning.misfires import MisfirePolicy


@dataclass(frozen=True, kw_only=True, slots=True)
class LateJob:
    """A planned job that nobody started within its template's grace.

    `released`: it was decided before that it runs after all, and still it waits; a later one may take
    its place.
    """

    job_id: UUID
    occurrence_at: datetime
    scheduled_at: datetime
    released: bool


@dataclass(kw_only=True)
class DueJobs:
    """One template's. `in_time`: a job that fell due within the grace runs or will run anyhow."""

    late: list[LateJob] = field(default_factory=list)
    in_time: bool = False


NONE_DUE = DueJobs()


def find_due_jobs(templates: Iterable[DueTemplate], now: datetime) -> dict[UUID, DueJobs]:
    """Return the unfinished due jobs of these templates, earliest first: one statement."""
    misfires = {template.id: template.misfire for template in templates}
    found: defaultdict[UUID, DueJobs] = defaultdict(DueJobs)
    if not misfires:
        return found
    rows = execute(statements.FIND_DUE_JOBS, templates=list(misfires), now=now)
    for job in map(_DueJob._make, rows):
        misfire = misfires[job.template_id]
        if _is_late(job, misfire, now):
            found[job.template_id].late.append(_late(job))
        elif job.scheduled_at + misfire.grace > now:
            found[job.template_id].in_time = True
    return found


class _DueJob(NamedTuple):
    id: UUID
    template_id: UUID
    occurrence_at: datetime
    scheduled_at: datetime
    run_at: datetime
    missed_at: datetime | None
    status: str
    attempt: int


def _is_late(job: _DueJob, misfire: MisfirePolicy, now: datetime) -> bool:
    if job.status != JobStatus.SCHEDULED or job.attempt:
        return False
    if job.missed_at is not None:
        return job.missed_at <= now
    # Released before. What a person restarted or moved, or wants in spite of the policy, is not.
    released = misfire.policy != "skip" and job.scheduled_at == job.run_at
    return released and job.scheduled_at + misfire.grace <= now


def _late(job: _DueJob) -> LateJob:
    return LateJob(
        job_id=job.id,
        occurrence_at=job.occurrence_at,
        scheduled_at=job.scheduled_at,
        released=job.missed_at is None,
    )
