"""What becomes of jobs that fall due while a sibling is going. Pure: the policies in one place."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from jobs.states import Gate, Overlap

_NO_MOMENT = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Due:
    """A job with an overlap policy that has fallen due, and what its template is doing."""

    job_id: UUID
    template_id: UUID
    occurrence_at: datetime | None
    overlap: str
    going: bool  # a sibling is queued, running or between attempts
    going_at: datetime | None  # that sibling's nominal moment; None for a run-now job
    held: bool  # siblings wait already
    one_held: bool  # one of them by `queue_one`
    backfill: bool = False  # it looks at backfills, and they alone look at it


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Open the gate (''), hold it, or skip the job for good."""

    job_id: UUID
    gate: str = ""
    skip: bool = False
    reason: str = ""


def decide(due: Sequence[Due]) -> list[Decision]:
    """Decide on jobs that are due together; of each template the earliest occurrence comes first.

    A template's schedule and its backfills do not wait for one another.
    """
    templates: dict[tuple[UUID, bool], list[Due]] = defaultdict(list)
    for job in due:
        templates[job.template_id, job.backfill].append(job)
    return [decision for jobs in templates.values() for decision in _of_template(jobs)]


def _of_template(jobs: list[Due]) -> list[Decision]:
    jobs = sorted(jobs, key=lambda job: (job.occurrence_at or _NO_MOMENT, job.job_id))
    decisions = _by_policy([job for job in jobs if job.overlap != Overlap.WAIT])
    # What is made up for yields to the schedule, which does not look at it.
    busy = any(not decision.skip for decision in decisions)
    return decisions + _in_turn([job for job in jobs if job.overlap == Overlap.WAIT], busy=busy)


def _in_turn(jobs: list[Due], *, busy: bool) -> list[Decision]:
    decisions = []
    for job in jobs:
        busy = busy or job.going or job.held
        decisions.append(Decision(job_id=job.job_id, gate=Gate.HELD if busy else ""))
        busy = True
    return decisions


def _by_policy(jobs: list[Due]) -> list[Decision]:
    if not jobs:
        return []
    busy = jobs[0].going or jobs[0].held
    one_waits = jobs[0].one_held
    ahead = _run(jobs[0].going_at)
    decisions = []
    for job in jobs:
        if not busy:
            decisions.append(Decision(job_id=job.job_id))
            busy, ahead = True, _run(job.occurrence_at)
        elif job.overlap == Overlap.SKIP:
            reason = f"{ahead} had not ended when this one fell due; its template then skips."
            decisions.append(Decision(job_id=job.job_id, skip=True, reason=reason))
        elif job.overlap == Overlap.QUEUE_ONE and one_waits:
            reason = f"{ahead} had not ended, and its template lets one run wait; another one does."
            decisions.append(Decision(job_id=job.job_id, skip=True, reason=reason))
        else:
            decisions.append(Decision(job_id=job.job_id, gate=Gate.HELD))
            one_waits = one_waits or job.overlap == Overlap.QUEUE_ONE
    return decisions


def _run(at: datetime | None) -> str:
    return "An earlier run" if at is None else f"The run of {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
