"""How jobs, attempts and dead letters look in answers. Plain functions: they run per row."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from jobs.backoff import Backoff
from jobs.graph import Graph
from jobs.masking import masked
from jobs.models import DeadLetter, Execution, Job
from jobs.queries import ErrorGroup


def moment(value: datetime | None) -> str | None:
    """Return an RFC 3339 time in UTC with microseconds, so that times sort as texts."""
    if value is None:
        return None
    # Without its offset, "+00:00"; strftime takes three times as long.
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def job_receipt(job: Job) -> dict[str, Any]:
    """Return what a batch answers per job."""
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "name": job.name,
        "status": str(job.status),
        "scheduled_at": moment(job.scheduled_at),
    }


def job_summary(job: Job) -> dict[str, Any]:
    """Return the public fields of a job, secrets masked."""
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "handler": job.handler,
        "lane": job.lane,
        "name": job.name,
        "tags": job.tags,
        "metadata": job.metadata,
        "payload": masked(job.kind, job.payload),
        "priority": job.priority,
        "max_attempts": job.max_attempts,
        "backoff": {**_DEFAULT_BACKOFF, **(job.backoff or {})},
        "timeout": job.timeout,
        "run_at": moment(job.run_at),
        "deadline": moment(job.expires_at),
        "status": str(job.status),
        "scheduled_at": moment(job.scheduled_at),
        "attempt": job.attempt,
        "attempts_left": max(0, job.max_attempts - (job.attempt - job.earlier_attempts)),
        "progress": job.progress,
        "progress_note": job.progress_note,
        "cancel_requested_at": moment(job.cancel_requested_at),
        "queued_at": moment(job.queued_at),
        "started_at": moment(job.started_at),
        "finalized_at": moment(job.finalized_at),
        "created_at": moment(job.created_at),
        "template_id": _id(job.template_id),
        "occurrence_at": moment(job.occurrence_at),
        "occurrence_note": job.occurrence_note,
        "origin": job.origin,
        "overlap": job.overlap,
        "condition": job.condition,
        "skip_reason": job.skip_reason,
        "unique": _unique(job),
        "concurrency_key": job.concurrency_key,
        "concurrency_limit": job.concurrency_limit if job.concurrency_key else None,
    }


def job_detail(job: Job, *, last: Execution | None, waiting_reason: str | None) -> dict[str, Any]:
    """Return a job with why it waits, and what its last finished attempt came to."""
    return {
        **job_summary(job),
        "waiting_reason": waiting_reason,
        "result": last.output if last is not None else None,
        "last_error": _error(last),
    }


def graph(found: Graph) -> dict[str, Any]:
    """Return jobs and what they depend on."""
    return {
        "jobs": [
            {**job_receipt(job), "condition": job.condition, "skip_reason": job.skip_reason}
            for job in found.jobs
        ],
        "dependencies": [
            {
                "job": str(each.child_id),
                "depends_on": str(each.parent_id),
                "as": each.name,
                "on": each.needs,
                "outcome": each.outcome,
            }
            for each in found.dependencies
        ],
        "more": found.more,
    }


def execution(attempt: Execution) -> dict[str, Any]:
    """Return one attempt; the running one has no id and no end yet."""
    return {
        "id": _id(attempt.pk),
        "job_id": str(attempt.job_id),
        "number": attempt.number,
        "outcome": attempt.outcome,
        "scheduled_at": moment(attempt.scheduled_at),
        "queued_at": moment(attempt.queued_at),
        "started_at": moment(attempt.started_at),
        "finished_at": moment(attempt.finished_at),
        "worker_id": _id(attempt.worker_id),
        "http_status": attempt.http_status,
        "output": attempt.output,
        "error": _error(attempt),
        "log": attempt.log,
    }


def dead_letter(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter."""
    return {
        "id": str(letter.pk),
        "job_id": str(letter.job_id),
        "kind": letter.kind,
        "handler": letter.handler,
        "error_code": letter.error_code,
        "error_message": letter.error_message,
        "fingerprint": letter.fingerprint,
        "attempts": letter.attempts,
        "created_at": moment(letter.created_at),
        "resolution": letter.resolution or "open",
        "resolved_at": moment(letter.resolved_at),
        "resolved_by": letter.resolved_by,
        "reason": letter.reason,
    }


def error_group(group: ErrorGroup) -> dict[str, Any]:
    """Return dead letters of one error, with the newest as the example."""
    return {
        "fingerprint": group.fingerprint,
        "count": group.count,
        "first_seen": moment(group.first_seen),
        "last_seen": moment(group.last_seen),
        "example": {
            "id": str(group.example_id),
            "kind": group.kind,
            "handler": group.handler,
            "error_code": group.error_code,
            "error_message": group.error_message,
        },
    }


def _unique(job: Job) -> dict[str, str] | None:
    return {"key": job.unique_key, "scope": str(job.unique_scope)} if job.unique_key else None


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _error(attempt: Execution | None) -> dict[str, Any] | None:
    if attempt is None or not attempt.error_code:
        return None
    return {
        "code": attempt.error_code,
        "message": attempt.error_message,
        "detail": attempt.error_detail,
        "http_status": attempt.http_status,
    }


_DEFAULT_BACKOFF = {
    name: getattr(Backoff(), name) for name in ("strategy", "base", "factor", "cap", "jitter")
}
