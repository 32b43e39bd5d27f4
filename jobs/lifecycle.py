"""The only writer of a job's status.

Every function is one guarded statement over a set of jobs (the SQL is in `jobs.statements`). A
stale caller (a zombie worker, a doubled message, a restored broker) matches no row and changes
nothing; the returned rows are the answer. Listeners hear of it after the commit.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from jobs.engine import Engine
from jobs.models import Job
from jobs.outcomes import Attempt, Ending
from jobs.querysets import JobQuerySet
from jobs.rows import (
    Moved,
    Queued,
    Replacement,
    Stranded,
    attempt_row,
    dumped,
    moved_of,
    moved_row,
    queued_row,
)
from jobs.signals import Transition, announce
from jobs.statements import creating, queueing, running, steering
from jobs.states import TRANSITIONS, JobStatus


class IllegalTransition(ValueError):
    """The machine in jobs.states has no such arrow."""


def create(jobs: Sequence[Job]) -> list[Job]:
    """Insert new jobs as scheduled for their `run_at`, in one statement; all or none."""
    if not jobs:
        return []
    columns: dict[str, Any] = {
        name: [getattr(job, name) for job in jobs] for name in creating.PLAIN
    }
    for name in creating.AS_JSON:
        columns[name] = [dumped(getattr(job, name)) for job in jobs]
    created_at = _rows(creating.CREATE, **columns)[0][0]
    for job in jobs:
        job.status = JobStatus.SCHEDULED
        job.scheduled_at = job.run_at
        job.created_at = created_at
        job._state.adding = False  # noqa: SLF001 - Django names it as public API
    _announce("create", [moved_of(job) for job in jobs])
    return list(jobs)


def edit(*, job_id: UUID, changes: Mapping[str, Any]) -> bool:
    """Change a job that still waits; False when it no longer does.

    `changes` are columns other than the status; a new `run_at` moves the next attempt as well.
    """
    columns = dict(changes)
    if "run_at" in columns:
        columns["scheduled_at"] = columns["run_at"]
    waiting: JobQuerySet = Job.objects.filter(id=job_id)
    return waiting.editable().update(**columns) == 1


def queue_due(*, lane: str, now: datetime, limit: int, lease: float) -> list[Queued]:
    """Give tickets to at most `limit` due jobs of a lane, in the order they shall run."""
    rows = _rows(queueing.QUEUE_DUE, lane=lane, now=now, limit=limit, lease=lease)
    queued = [queued_row(row) for row in rows]
    queued.sort(key=lambda job: (-job.priority, job.scheduled_at, job.job_id))
    return queued


def unqueue(tickets: Sequence[tuple[UUID, int]]) -> list[Moved]:
    """Take back jobs whose message was not delivered, or not claimed; no attempt is counted."""
    rows = _rows(
        queueing.UNQUEUE,
        ids=[job_id for job_id, _ in tickets],
        tickets=[ticket for _, ticket in tickets],
    )
    return _announce("unqueue", [moved_row(row) for row in rows])


def requeue_lost_messages(*, before: datetime, limit: int) -> list[Moved]:
    """Reschedule queued jobs whose lease ran out before `before`; no attempt is counted."""
    rows = _rows(queueing.REQUEUE_LOST_MESSAGES, before=before, limit=limit)
    return _announce("requeue", [moved_row(row) for row in rows])


def expire(*, now: datetime, limit: int) -> list[Moved]:
    """Fail jobs that were not started by their deadline."""
    late = [row[0] for row in _rows(queueing.FIND_EXPIRED, now=now, limit=limit)]
    if not late:
        return []
    rows = _rows(queueing.EXPIRE, ids=late, now=now)
    return _announce("expire", [moved_row(row) for row in rows])


def claim(*, tickets: Sequence[tuple[UUID, int]], worker_id: UUID, engine: Engine) -> list[Attempt]:
    """Start the attempts whose ticket is still good, for a worker that is alive."""
    rows = _rows(
        running.CLAIM,
        ids=[job_id for job_id, _ in tickets],
        tickets=[ticket for _, ticket in tickets],
        worker=worker_id,
        grace=engine.deadline_grace,
    )
    return [attempt_row(row) for row in rows]


def finish(endings: Sequence[Ending]) -> list[Moved]:
    """End attempts: new status, execution and dead letter in one statement.

    An attempt missing from the answer was no longer this worker's to end. Raises
    IllegalTransition, with nothing written, for a status that a running job cannot come to.
    """
    for ending in endings:
        if ending.status not in TRANSITIONS[JobStatus.RUNNING]:
            raise IllegalTransition(f"A running job cannot become {ending.status!r}.")
    rows = _rows(
        running.FINISH,
        ids=[ending.job_id for ending in endings],
        tickets=[ending.ticket for ending in endings],
        outcomes=[ending.outcome.value for ending in endings],
        statuses=[ending.status for ending in endings],
        delays=[ending.delay for ending in endings],
        http_statuses=[ending.http_status for ending in endings],
        codes=[ending.code for ending in endings],
        messages=[ending.message for ending in endings],
        details=[ending.detail for ending in endings],
        fingerprints=[ending.fingerprint for ending in endings],
        outputs=[None if e.output is None else json.dumps(e.output) for e in endings],
        logs=[json.dumps(ending.log) for ending in endings],
    )
    return _announce("finish", [moved_row(row) for row in rows])


def find_stranded(*, now: datetime, limit: int) -> list[Stranded]:
    """Return running attempts whose worker is gone or whose deadline has passed."""
    rows = _rows(running.FIND_STRANDED, now=now, limit=limit)
    return [Stranded(attempt=attempt_row(row), lost=row[16]) for row in rows]


def find_running(tickets: Sequence[tuple[UUID, int]]) -> list[Attempt]:
    """Read back running attempts whose ticket is still good."""
    rows = _rows(
        running.FIND_RUNNING,
        ids=[job_id for job_id, _ in tickets],
        tickets=[ticket for _, ticket in tickets],
    )
    return [attempt_row(row) for row in rows]


def cancel(*, job_ids: Sequence[UUID], now: datetime) -> list[Moved]:
    """Cancel jobs that have not started; ask running ones to stop (they stay running until then)."""
    rows = _rows(steering.CANCEL, ids=list(job_ids), now=now)
    return _announce("cancel", [moved_row(row) for row in rows])


def advance(*, job_ids: Sequence[UUID], now: datetime) -> list[Moved]:
    """Make waiting jobs due at once."""
    rows = _rows(steering.ADVANCE, ids=list(job_ids), now=now)
    return _announce("advance", [moved_row(row) for row in rows])


def restart(
    *,
    job_ids: Sequence[UUID],
    now: datetime,
    by: str,
    replacements: Mapping[UUID, Replacement] | None = None,
) -> list[Moved]:
    """Give failed and cancelled jobs a new round of attempts, now; their history stays.

    Open dead letters of theirs are resolved as redriven by `by`.
    """
    edited = list((replacements or {}).items())
    rows = _rows(
        steering.RESTART,
        ids=list(job_ids),
        now=now,
        by=by[:200],
        edited=[job_id for job_id, _ in edited],
        payloads=[json.dumps(new.payload) for _, new in edited],
        lanes=[new.lane for _, new in edited],
        handlers=[new.handler for _, new in edited],
    )
    return _announce("restart", [moved_row(row) for row in rows])


def _rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _announce(verb: str, moved: list[Moved]) -> list[Moved]:
    if moved:
        transitions = [
            Transition(
                job_id=job.job_id,
                merchant_id=job.merchant_id,
                kind=job.kind,
                status=job.status,
                verb=verb,
            )
            for job in moved
        ]
        transaction.on_commit(lambda: announce(transitions))
    return moved
