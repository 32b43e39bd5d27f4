"""How deliveries went: read from the jobs that send them, any number in two statements."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.models import WebhookDelivery
from jobs.models import Execution, Job
from jobs.states import JobStatus

WAITING, RETRYING, SENDING = "waiting", "retrying", "sending"
SUCCEEDED, FAILED, CANCELLED, FORGOTTEN = "succeeded", "failed", "cancelled", "forgotten"
STATES = (WAITING, RETRYING, SENDING, SUCCEEDED, FAILED, CANCELLED, FORGOTTEN)
_STATE_OF = {
    JobStatus.RETRYABLE: RETRYING,
    JobStatus.RUNNING: SENDING,
    JobStatus.SUCCEEDED: SUCCEEDED,
    JobStatus.FAILED: FAILED,
    JobStatus.CANCELLED: CANCELLED,
}
STATUSES_OF = {
    WAITING: (JobStatus.SCHEDULED, JobStatus.QUEUED),
    **{state: (status,) for status, state in _STATE_OF.items()},
}


@dataclass(frozen=True, kw_only=True)
class History:
    """How far a delivery has come: its job, None when it was archived, and its attempts, newest first."""

    job: Job | None
    attempts: Sequence[Execution]

    @property
    def state(self) -> str:
        """Return one of STATES."""
        return state_of(self.job.status if self.job else None)


def state_of(status: str | None) -> str:
    """Return one of STATES for the status of a delivery's job; None: the job is gone."""
    return FORGOTTEN if status is None else _STATE_OF.get(JobStatus(status), WAITING)


def histories(deliveries: Sequence[WebhookDelivery]) -> list[History]:
    """Return each delivery's history, in the order given."""
    ids = [one.job_id for one in deliveries]
    jobs = Job.objects.in_bulk(ids)
    attempts: dict[object, list[Execution]] = {}
    for execution in Execution.objects.filter(job_id__in=ids).order_by("job_id", "-number"):
        attempts.setdefault(execution.job_id, []).append(execution)
    return [History(job=jobs.get(job_id), attempts=attempts.get(job_id, ())) for job_id in ids]
