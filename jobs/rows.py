"""What the statements return and take, as values. Knows their columns' order, nothing else."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.models import Job
from jobs.outcomes import Attempt

Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A job that a verb changed, and where it stands now."""

    job_id: UUID
    merchant_id: UUID
    kind: str
    lane: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Queued:
    """A job that was given a ticket and must now be published."""

    job_id: UUID
    ticket: int
    merchant_id: UUID
    kind: str
    handler: str
    priority: int
    scheduled_at: datetime


@dataclass(frozen=True, kw_only=True)
class Stranded:
    """A running attempt that nobody looks after any more."""

    attempt: Attempt
    lost: bool  # its worker is gone; otherwise its time is over


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """An edited payload for a restart, with the lane and handler that follow from it."""

    payload: dict[str, Any]
    lane: str
    handler: str


def moved_row(row: Row) -> Moved:
    """Read what the verbs return."""
    return Moved(job_id=row[0], merchant_id=row[1], kind=row[2], lane=row[3], status=row[4])


def moved_of(job: Job) -> Moved:
    """Say the same of a job at hand."""
    return Moved(
        job_id=job.id,
        merchant_id=job.merchant_id,
        kind=job.kind,
        lane=job.lane,
        status=job.status,
    )


def queued_row(row: Row) -> Queued:
    """Read what QUEUE_DUE returns."""
    return Queued(
        job_id=row[0],
        ticket=row[1],
        merchant_id=row[2],
        kind=row[3],
        handler=row[4],
        priority=row[5],
        scheduled_at=row[6],
    )


def attempt_row(row: Row) -> Attempt:
    """Read what CLAIM, FIND_RUNNING and FIND_STRANDED return, in that order of columns."""
    return Attempt(
        job_id=row[0],
        ticket=row[1],
        merchant_id=row[2],
        kind=row[3],
        handler=row[4],
        name=row[5],
        payload=_json(row[6]),
        metadata=_json(row[7]),
        number=row[8],
        round=row[9],
        max_attempts=row[10],
        timeout=row[11],
        backoff=None if row[12] is None else _json(row[12]),
        scheduled_at=row[13],
        started_at=row[14],
        lost_count=row[15],
    )


def dumped(value: Any) -> str | None:
    """Return JSON text for a statement's array; None stays NULL."""
    return None if value is None else json.dumps(value)


def _json(value: Any) -> Any:
    # Django leaves jsonb as text on a raw cursor.
    return json.loads(value) if isinstance(value, str) else value
