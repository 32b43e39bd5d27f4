"""What interfaces ask about jobs, beyond a plain list. Reads only, each of bounded cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import CharField, Count, DateTimeField, ExpressionWrapper, F, Max, Min, Q
from django.db.models.functions import Cast

from jobs.engine import POPULATOR_LOCK
from jobs.handlers.registry import LANES
from jobs.models import AnyJob, DeadLetter, Execution, Job
from jobs.querysets import DeadLetterQuerySet, JobQuerySet
from jobs.states import EDITABLE, STARTED, WAITING, Gate, JobStatus
from tenants.statement import execute

# Nobody plans with an exact number beyond this, and counting on costs.
MOST_AHEAD: Final = 10_000
MOST_PLACES: Final = 1_000

_LOCK_HELD = """
SELECT EXISTS (
    SELECT FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 1
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = %(high)s::bigint::oid AND objid = %(low)s::bigint::oid)
"""
# Index redrive_unfinished: a stopped redrive stays in it until it is resumed, done ones are not.
_UNFINISHED_REDRIVES = """
SELECT state, count(*), coalesce(sum(total - redriven - left_out), 0)::bigint
  FROM jobs_redrive
 WHERE state <> 'done'
 GROUP BY state
"""
# Index job_due: one probe a lane and priority. Suspended merchants' jobs are meant to wait, missed
# occurrences wait for the expander, and what waits for a sibling is not in the index.
_OLDEST_DUE = """
SELECT wanted.lane, min(candidate.scheduled_at)
  FROM unnest(%(lanes)s::text[]) AS wanted(lane)
 CROSS JOIN generate_series(0, 10) AS level(priority)
 CROSS JOIN LATERAL (
       SELECT job.scheduled_at
         FROM jobs_job AS job
        WHERE job.lane = wanted.lane
          AND job.priority = level.priority
          AND job.status IN ('scheduled', 'retryable')
          AND job.gate = ''
          AND job.scheduled_at <= %(now)s
          AND (job.missed_at IS NULL OR job.missed_at > %(now)s OR job.attempt > 0)
          AND (SELECT merchant.active FROM tenants_merchant AS merchant
                WHERE merchant.id = job.merchant_id)
        ORDER BY job.scheduled_at
        LIMIT 1
       ) AS candidate
 GROUP BY wanted.lane
"""


@dataclass(frozen=True, kw_only=True)
class ErrorGroup:
    """Dead letters of one error, as a person would call it the same."""

    fingerprint: str
    count: int
    first_seen: datetime
    last_seen: datetime
    kind: str
    handler: str
    error_code: str
    error_message: str
    example_id: UUID


@dataclass(frozen=True, kw_only=True)
class Line:
    """The line of a concurrency key, seen by a job in it."""

    holder: UUID | None  # the first of those who have a place
    taken: int
    ahead: int


def populator_leads() -> bool:
    """Tell whether some populator holds the lead."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LOCK_HELD, {"high": POPULATOR_LOCK >> 32, "low": POPULATOR_LOCK & 0xFFFFFFFF}
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def unfinished_redrives() -> dict[str, tuple[int, int]]:
    """Return, for running and stopped redrives, how many there are and how many letters are left."""
    found = {state: (count, left) for state, count, left in execute(_UNFINISHED_REDRIVES)}
    return {state: found.get(state, (0, 0)) for state in ("running", "stopped")}


def oldest_due(now: datetime) -> dict[str, datetime]:
    """Return, per lane that has any, the moment since which its oldest due job waits."""
    return dict(execute(_OLDEST_DUE, lanes=list(LANES), now=now))


def due_ahead_of(job: Job, now: datetime) -> int:
    """Return how many of its merchant's due jobs in the lane come before it, counting to MOST_AHEAD.

    Index job_due_of_merchant. Other merchants' jobs do not: merchants take turns.
    """
    aging = timedelta(seconds=settings.TASKFLOW_ENGINE.aging)
    since = job.scheduled_at - job.priority * aging
    waits = ExpressionWrapper(F("scheduled_at") - F("priority") * aging, DateTimeField())
    due = Job.objects.filter(
        lane=job.lane,
        merchant=job.merchant_id,
        status__in=WAITING,
        gate="",
        scheduled_at__lte=now,
    )
    ahead = (
        due.not_missed(now)
        .annotate(since=waits)
        .filter(Q(since__lt=since) | Q(since=since, pk__lt=job.pk))
    )
    return ahead.order_by().values("pk")[:MOST_AHEAD].count()


def line_of(job: Job, now: datetime) -> Line:
    """Return who has the places of the job's concurrency key, and how many stand before it.

    Indexes job_place_held and job_keyed; counts to MOST_AHEAD.
    """
    same = Job.objects.filter(merchant=job.merchant_id, concurrency_key=job.concurrency_key)
    holders = same.filter(holds_place=True, finalized_at__isnull=True).order_by()
    taken = list(holders.values_list("pk", flat=True)[:MOST_PLACES])
    before = same.filter(
        Q(scheduled_at__lt=job.scheduled_at) | Q(scheduled_at=job.scheduled_at, pk__lt=job.pk),
        gate=Gate.KEYED,
        status=JobStatus.SCHEDULED,
    )
    return Line(
        holder=min(taken, default=None),
        taken=len(taken),
        ahead=before.order_by().values("pk")[:MOST_AHEAD].count(),
    )


def job_of(letter: DeadLetter) -> Job | None:
    """Return the job of a dead letter, archived or not; None when it is kept no longer."""
    job: Job | None = AnyJob.objects.filter(pk=letter.job_id).first()
    return job


def last_execution(job: Job) -> Execution | None:
    """Return the job's latest finished attempt."""
    return Execution.objects.filter(job_id=job.pk).order_by("-number").first()


def running_attempt(job: Job) -> Execution | None:
    """Return the attempt that runs now in the shape of an execution, unsaved and without an end."""
    if job.status != JobStatus.RUNNING or job.started_at is None:
        return None
    values: dict[str, Any] = {"id": None, "finished_at": None}
    return Execution(
        **values,
        job_id=job.pk,
        merchant_id=job.merchant_id,
        number=job.attempt,
        outcome="running",
        scheduled_at=job.scheduled_at,
        queued_at=job.queued_at,
        started_at=job.started_at,
        worker_id=job.worker_id,
    )


def error_groups(letters: DeadLetterQuerySet, *, most: int) -> list[ErrorGroup]:
    """Group letters by error fingerprint, the largest groups first; the newest is the example."""
    rows = list(
        letters.order_by()
        .values("fingerprint")
        .annotate(
            count=Count("pk"),
            first_seen=Min("created_at"),
            last_seen=Max("created_at"),
            # PostgreSQL has no max(uuid); as texts they sort alike.
            newest=Max(Cast("pk", CharField())),
        )
        .order_by("-count", "fingerprint")[:most]
    )
    newest = letters.order_by().in_bulk([UUID(row["newest"]) for row in rows])
    return [
        ErrorGroup(
            fingerprint=row["fingerprint"],
            count=row["count"],
            first_seen=row["first_seen"],
            last_seen=row["last_seen"],
            kind=example.kind,
            handler=example.handler,
            error_code=example.error_code,
            error_message=example.error_message,
            example_id=example.pk,
        )
        for row in rows
        if (example := newest.get(UUID(row["newest"]))) is not None
    ]


def active_runs(template_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return how many jobs each template has with a worker, queued or between attempts.

    Templates that have none are left out.
    """
    going = Job.objects.of_templates(template_ids).filter(status__in=STARTED)
    counts = going.order_by().values_list("template_id").annotate(Count("pk"))
    return {template_id: runs for template_id, runs in counts if template_id is not None}


def upcoming(template_id: UUID) -> JobQuerySet:
    """Return the template's jobs that have not started yet, the next one first."""
    waiting = Job.objects.of_templates([template_id]).filter(
        status__in=(*EDITABLE, JobStatus.QUEUED), attempt=0
    )
    return waiting.order_by("scheduled_at", "pk")


def last_runs(template_id: UUID) -> JobQuerySet:
    """Return the template's jobs in whatever status, archived ones too, the newest first."""
    return AnyJob.objects.of_templates([template_id]).order_by("-pk")
