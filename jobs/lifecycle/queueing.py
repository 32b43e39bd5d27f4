"""Waiting -> queued, and back when a message was not delivered."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from jobs.lifecycle.announcing import announce, ends_jobs
from jobs.rows import Moved, Queued, moved_row, queued_row
from jobs.statements import queueing, sharing
from tenants.statement import execute


def queue_due(*, lane: str, now: datetime, limit: int, lease: float) -> list[Queued]:
    """Give tickets to at most `limit` due jobs of a lane, in the order they shall run."""
    found = execute(queueing.QUEUE_DUE, lane=lane, now=now, limit=limit, lease=lease)
    queued = [queued_row(row) for row in found]
    queued.sort(key=lambda job: (-job.priority, job.scheduled_at, job.job_id))
    return queued


def is_short(*, lane: str, now: datetime, room: int) -> bool:
    """Tell whether more jobs of a lane are due than there is room for."""
    [(short,)] = execute(sharing.IS_SHORT, lane=lane, now=now, room=room)
    return bool(short)


def queue_shares(
    *, lane: str, now: datetime, limit: int, lease: float, aging: float
) -> list[Queued]:
    """Give tickets to at most `limit` due jobs of a lane, each merchant's share by its weight.

    In the order they shall run: the merchants take turns. Of one merchant's, a level of priority
    counts as much as `aging` seconds of waiting. Fewer than `limit` may come although more are due.
    """
    found = execute(sharing.QUEUE_SHARES, lane=lane, now=now, limit=limit, lease=lease, aging=aging)
    found.sort(key=lambda row: row[7])
    return [queued_row(row) for row in found]


def unqueue(tickets: Sequence[tuple[UUID, int]]) -> list[Moved]:
    """Take back jobs whose message was not delivered, or not claimed; no attempt is counted."""
    found = execute(
        queueing.UNQUEUE,
        ids=[job_id for job_id, _ in tickets],
        tickets=[ticket for _, ticket in tickets],
    )
    return announce("unqueue", [moved_row(row) for row in found])


def requeue_lost_messages(*, before: datetime, limit: int) -> list[Moved]:
    """Reschedule queued jobs whose lease ran out before `before`; no attempt is counted."""
    found = execute(queueing.REQUEUE_LOST_MESSAGES, before=before, limit=limit)
    return announce("requeue", [moved_row(row) for row in found])


@ends_jobs
def expire(*, now: datetime, limit: int) -> list[Moved]:
    """Fail jobs that were not started by their deadline."""
    late = [row[0] for row in execute(queueing.FIND_EXPIRED, now=now, limit=limit)]
    if not late:
        return []
    found = execute(queueing.EXPIRE, ids=late, now=now)
    return announce("expire", [moved_row(row) for row in found])
