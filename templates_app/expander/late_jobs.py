"""Templates' jobs that wait: which are late, whether one is in time, and what a new plan replaces."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from jobs.states import JobStatus
from templates_app import statements
from templates_app.expander.due import DueTemplate
from templates_app.planning.misfires import MisfirePolicy
from templates_app.planning.window_book import naive
from tenants.statement import execute


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
    """One template's. `in_time`: a job that fell due within the grace runs or will run anyhow.

    `planned`: of one that is planned afresh, the occurrences (naive UTC) that no worker has started.
    """

    late: list[LateJob] = field(default_factory=list)
    in_time: bool = False
    planned: set[datetime] = field(default_factory=set)


NONE_DUE = DueJobs()


def find_due_jobs(templates: Iterable[DueTemplate], now: datetime) -> dict[UUID, DueJobs]:
    """Return the unfinished due jobs of these templates, earliest first: a statement or two."""
    by_id = {template.id: template for template in templates}
    found: defaultdict[UUID, DueJobs] = defaultdict(DueJobs)
    for job in _read(by_id.values(), now):
        template = by_id[job.template_id]
        of_template = found[template.id]
        if template.is_fresh() and job.status in WAITING and job.attempt == 0:
            of_template.planned.add(naive(job.occurrence_at))
        # A held job waits for its sibling by its template's own wish, one in a line for its turn.
        if job.scheduled_at > now or job.in_line or job.gate not in ("", "shut", "keyed"):
            continue
        if _is_late(job, template.misfire, now):
            of_template.late.append(_late(job))
        elif job.scheduled_at + template.misfire.grace > now:
            of_template.in_time = True
    return found


WAITING = (JobStatus.SCHEDULED, JobStatus.QUEUED)


def _read(templates: Collection[DueTemplate], now: datetime) -> Iterator["_DueJob"]:
    fresh = [template.id for template in templates if template.is_fresh()]
    others = [template.id for template in templates if not template.is_fresh()]
    if fresh:
        rows = execute(statements.FIND_PLANNED_JOBS, templates=fresh)
        yield from map(_DueJob._make, rows)
    if others:
        rows = execute(statements.FIND_DUE_JOBS, templates=others, now=now)
        yield from map(_DueJob._make, rows)


class _DueJob(NamedTuple):
    id: UUID
    template_id: UUID
    occurrence_at: datetime
    scheduled_at: datetime
    run_at: datetime
    missed_at: datetime | None
    status: str
    attempt: int
    gate: str
    in_line: bool
    holds_place: bool


def _is_late(job: _DueJob, misfire: MisfirePolicy, now: datetime) -> bool:
    if job.status != JobStatus.SCHEDULED or job.attempt or job.holds_place:
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
