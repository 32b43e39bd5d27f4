"""What people and producers do to one job: cancel, retry, run now, edit."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from jobs import lifecycle, publishing, quota
from jobs.models import AnyJob, Job
from jobs.operations.judging import refilled
from jobs.operations.unique_keys import refuse_held
from jobs.rows import Moved
from jobs.states import JobStatus


class WrongStatus(Exception):
    """The job is not in a status that the verb takes; nothing was changed."""

    code = "wrong_status"


class NotCancellable(WrongStatus):
    code = "job_not_cancellable"


class NotRetryable(WrongStatus):
    code = "job_not_retryable"


class NotWaiting(WrongStatus):
    code = "job_not_waiting"


class NotEditable(WrongStatus):
    code = "job_not_editable"


def cancel(job: Job, *, now: datetime) -> None:
    """Cancel a job that has not started; ask a running one to stop. Raises NotCancellable."""
    if not lifecycle.cancel(job_ids=[job.pk], now=now):
        raise NotCancellable(
            f"The job is {_status(job)}; only a job that has not ended can be cancelled."
        )


def retry(job: Job, *, now: datetime, by: str) -> None:
    """Give a failed, cancelled or skipped job a new round of attempts; an archived one comes back.

    Raises NotRetryable, CannotRetake, QuotaExceeded.
    """
    quota.admit(job.merchant, adding=1, now=now)
    with transaction.atomic():
        moved = _restart(job, now=now, by=by)
        if not moved and lifecycle.recall([job.pk], merchant_id=job.merchant_id):
            moved = _restart(job, now=now, by=by)
    if not moved:
        refuse_held(job)
        if job.draws_on_parents and not refilled([job.pk]):
            raise NotRetryable(
                "The payload speaks of results of parents that are not there; "
                "create a new job with a payload of its own."
            )
        raise NotRetryable(
            f"The job is {_status(job)}; only a failed, cancelled or skipped job can be retried. "
            "Create a new job to do the work again."
        )


def run_now(job: Job, *, now: datetime) -> None:
    """Make a waiting job due at once. Raises NotWaiting."""
    if not _waking(lambda: lifecycle.advance(job_ids=[job.pk], now=now)):
        raise NotWaiting(
            f"The job is {_status(job)}; only a scheduled or retryable job can be run now. "
            "Retry a failed, cancelled or skipped one instead."
        )


def edit(job: Job, *, changes: Mapping[str, Any]) -> None:
    """Change a job that still waits. Raises NotEditable."""
    with transaction.atomic():
        edited = lifecycle.edit(job_id=job.pk, changes=changes)
        transaction.on_commit(publishing.wake)
    if not edited:
        raise NotEditable(
            f"The job is {_status(job)}; only a blocked, scheduled or retryable job can be changed. "
            "Cancel it and create a new one, or wait for its end."
        )


def _restart(job: Job, *, now: datetime, by: str) -> list[Moved]:
    filled = refilled([job.pk]) if job.draws_on_parents else {}
    return _waking(lambda: lifecycle.restart(job_ids=[job.pk], now=now, by=by, replacements=filled))


def _waking(verb: Callable[[], list[Moved]]) -> list[Moved]:
    with transaction.atomic():
        moved = verb()
        if moved:
            transaction.on_commit(publishing.wake)
    return moved


def _status(job: Job) -> str:
    """Return the status that made the verb miss, read after it did."""
    return JobStatus(AnyJob.objects.values_list("status", flat=True).get(pk=job.pk)).value
