"""How deliveries went: read from the jobs that send them, archived ones too, any number in two statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from alerts.models import WebhookDelivery
from jobs.models import AnyJob, Execution, Job
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
    """How far a delivery has come: its job, None when it is forgotten, and its attempts, newest first."""

    job: Job | None
    attempts: Sequence[Execution]

    @property
    def state(self) -> str:
        """Return one of STATES."""
        return state_of(self.job.status if self.job else None)


def state_of(status: str | None) -> str:
    """Return one of STATES for the status of a delivery's job; None: the job is gone."""
    return FORGOTTEN if status is None else _STATE_OF.get(JobStatus(status), WAITING)


def standing(
    deliveries: "QuerySet[WebhookDelivery]", states: Iterable[str]
) -> "QuerySet[WebhookDelivery]":
    """Return the deliveries in one of these states, of STATUSES_OF.

    A probe of the job for each as the list is walked: as a join, who asks for the newest fifty that failed
    would read all jobs that did.
    """
    statuses = [status for state in states for status in STATUSES_OF[state]]
    job = AnyJob.objects.filter(pk=OuterRef("job_id"))
    status = Subquery(job.values("status")[:1])
    return deliveries.annotate(standing=status).filter(standing__in=statuses)


def histories(deliveries: Sequence[WebhookDelivery]) -> list[History]:
    """Return each delivery's history, in the order given."""
    ids = [one.job_id for one in deliveries]
    jobs = AnyJob.objects.in_bulk(ids)
    attempts: dict[object, list[Execution]] = {}
    for execution in Execution.objects.filter(job_id__in=ids).order_by("job_id", "-number"):
        attempts.setdefault(execution.job_id, []).append(execution)
    return [History(job=jobs.get(job_id), attempts=attempts.get(job_id, ())) for job_id in ids]
