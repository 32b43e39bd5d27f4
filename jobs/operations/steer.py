"""What people and producers do to one job: cancel, retry, run now, edit."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from jobs import lifecycle, publishing, quota
from jobs.masking import masked
from jobs.models import AnyJob, Job
from jobs.operations.judging import refilled
from jobs.operations.unique_keys import refuse_held
from jobs.rows import Moved
from jobs.states import JobStatus
from tenants.audit import SYSTEM, Actor, record


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


def cancel(job: Job, *, now: datetime, by: Actor = SYSTEM) -> None:
    """Cancel a job that has not started; ask a running one to stop. Raises NotCancellable."""
    if not _told("cancel", job, by, lambda: lifecycle.cancel(job_ids=[job.pk], now=now)):
        raise NotCancellable(
            f"The job is {_status(job)}; only a job that has not ended can be cancelled."
        )


def retry(job: Job, *, now: datetime, by: Actor) -> None:
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


def run_now(job: Job, *, now: datetime, by: Actor = SYSTEM) -> None:
    """Make a waiting job due at once. Raises NotWaiting."""
    if not _told(
        "run_now",
        job,
        by,
        lambda: _waking(lambda: lifecycle.advance(job_ids=[job.pk], now=now)),
    ):
        raise NotWaiting(
            f"The job is {_status(job)}; only a scheduled or retryable job can be run now. "
            "Retry a failed, cancelled or skipped one instead."
        )


def edit(job: Job, *, changes: Mapping[str, Any], by: Actor = SYSTEM) -> None:
    """Change a job that still waits. Raises NotEditable."""
    with transaction.atomic():
        edited = lifecycle.edit(job_id=job.pk, changes=changes)
        if edited:
            _record_edit(job, changes, by)
        transaction.on_commit(publishing.wake)
    if not edited:
        raise NotEditable(
            f"The job is {_status(job)}; only a blocked, scheduled or retryable job can be changed. "
            "Cancel it and create a new one, or wait for its end."
        )


def _told(verb: str, job: Job, by: Actor, work: Callable[[], list[Moved]]) -> list[Moved]:
    """Do it and write it into the audit trail, in one transaction; nothing when it took no job."""
    with transaction.atomic():
        moved = work()
        if moved:
            record(
                by=by,
                verb=verb,
                object_type="job",
                object_id=job.pk,
                merchant_id=job.merchant_id,
                before={"status": job.status, "scheduled_at": job.scheduled_at},
                after={"status": moved[0].status},
            )
    return moved


def _record_edit(job: Job, changes: Mapping[str, Any], by: Actor) -> None:
    before = {name: getattr(job, name) for name in changes}
    after = dict(changes)
    if "payload" in changes:
        before["payload"] = masked(job.kind, job.payload)
        after["payload"] = masked(job.kind, changes["payload"])
    record(
        by=by,
        verb="edit",
        object_type="job",
        object_id=job.pk,
        merchant_id=job.merchant_id,
        before=before,
        after=after,
    )


def _restart(job: Job, *, now: datetime, by: Actor) -> list[Moved]:
    filled = refilled([job.pk]) if job.draws_on_parents else {}
    return _told(
        "retry",
        job,
        by,
        lambda: _waking(
            lambda: lifecycle.restart(job_ids=[job.pk], now=now, by=by.shown, replacements=filled)
        ),
    )


def _waking(verb: Callable[[], list[Moved]]) -> list[Moved]:
    with transaction.atomic():
        moved = verb()
        if moved:
            transaction.on_commit(publishing.wake)
    return moved


def _status(job: Job) -> str:
    """Return the status that made the verb miss, read after it did."""
    return JobStatus(AnyJob.objects.values_list("status", flat=True).get(pk=job.pk)).value
