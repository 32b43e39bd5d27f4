"""What the statements return and take, as values. Knows their columns' order, nothing else."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.breaker import at_once
from jobs.flow import BREAKER, Candidate, FlowRule, Rate
from jobs.flow_shares import Line
from jobs.models import Job
from jobs.outcomes import Attempt
from jobs.overlap import Due
from jobs.states import FINAL

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
class Ended(Moved):
    """A job whose attempt ended."""

    # Its end may be what a sibling, a child or a line waits for: worth waking the populator.
    makes_way: bool


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A template's job that nobody queued in time."""

    job_id: UUID
    merchant_id: UUID
    template_id: UUID
    occurrence_at: datetime | None
    scheduled_at: datetime
    missed_at: datetime


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
    worker_id: UUID


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """An edited payload for a restart, with the lane and handler that follow from it."""

    payload: dict[str, Any]
    lane: str
    handler: str


def moved_row(row: Row) -> Moved:
    """Read what the verbs return."""
    return Moved(job_id=row[0], merchant_id=row[1], kind=row[2], lane=row[3], status=row[4])


def ended_row(row: Row) -> Ended:
    """Read what FINISH returns."""
    return Ended(
        job_id=row[0],
        merchant_id=row[1],
        kind=row[2],
        lane=row[3],
        status=row[4],
        makes_way=row[7] or ((row[5] != "" or row[6]) and row[4] in FINAL),
    )


def missed_row(row: Row) -> Missed:
    """Read what FIND_MISSED returns."""
    return Missed(
        job_id=row[0],
        merchant_id=row[1],
        template_id=row[2],
        occurrence_at=row[3],
        scheduled_at=row[4],
        missed_at=row[5],
    )


def due_row(row: Row) -> Due:
    """Read what FIND_SHUT returns."""
    return Due(
        job_id=row[0],
        template_id=row[1],
        occurrence_at=row[2],
        overlap=row[3],
        backfill=row[4],
        going=row[5],
        going_at=row[6],
        held=row[7],
        one_held=row[8],
    )


def moved_of(job: Job) -> Moved:
    """Say the same of a job at hand."""
    return Moved(
        job_id=job.id,
        merchant_id=job.merchant_id,
        kind=job.kind,
        lane=job.lane,
        status=job.status,
    )


def candidate_row(row: Row) -> Candidate:
    """Read what FIND_DUE and FIND_SHARES return."""
    return Candidate(
        job_id=row[0],
        merchant_id=row[1],
        template_id=row[2],
        kind=row[3],
        lane=row[4],
        handler=row[5],
        concurrency_key=row[6],
    )


def line_row(row: Row) -> Line:
    """Read what LINES returns."""
    return Line(rule_id=row[0], merchant_id=row[1], lane=row[2], weight=row[3])


def rule_row(row: Row, now: datetime) -> FlowRule:
    """Read a rule as WAITED_FOR and RULES_FOR return it. A bucket that nobody has taken from is full."""
    rate = None
    if row[6] is not None:
        burst = row[8] or row[6]
        rate = Rate(
            per_second=row[6] / row[7],
            burst=burst,
            tokens=burst if row[9] is None else row[9],
            at=row[10] or now,
        )
    return FlowRule(
        id=row[0],
        merchant_id=row[1],
        scope=row[2],
        name=row[3],
        paused=row[4],
        most_active=row[5],
        rate=rate,
    )


def breaker_row(row: Row, now: datetime) -> FlowRule:
    """Read what OPEN and OPEN_FOR return: nothing goes, after a pause one job at a time, then more."""
    return FlowRule(
        id=row[0],
        merchant_id=row[1],
        scope=BREAKER,
        name=row[2],
        paused=row[3] > now,
        most_active=at_once(row[4]),
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
        payload=json_of(row[6]),
        metadata=json_of(row[7]),
        number=row[8],
        round=row[9],
        max_attempts=row[10],
        timeout=row[11],
        backoff=None if row[12] is None else json_of(row[12]),
        scheduled_at=row[13],
        started_at=row[14],
        lost_count=row[15],
        at_most_once=row[16],
    )


def dumped(value: Any) -> str | None:
    """Return JSON text for a statement's array; None stays NULL."""
    return None if value is None else json.dumps(value)


def json_of(value: Any) -> Any:
    """Return the value of a column of JSON."""
    # Django leaves jsonb as text on a raw cursor.
    return json.loads(value) if isinstance(value, str) else value
