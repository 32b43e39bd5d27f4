"""Whether endpoints answer: noted with each group of attempts that ends."""

from collections.abc import Sequence
from uuid import UUID

from alerts.webhooks import statements
from alerts.webhooks.kind_name import WEBHOOK
from jobs.signals import Transition
from jobs.states import JobStatus
from tenants.platform import PLATFORM_ID
from tenants.statement import execute

_FAILED = frozenset({JobStatus.RETRYABLE, JobStatus.FAILED})


def note_attempts(transitions: Sequence[Transition]) -> None:
    """Note which endpoints answered and which did not: a statement each, when there are any."""
    attempts = [
        one
        for one in transitions
        if one.kind == WEBHOOK and one.merchant_id == PLATFORM_ID and one.verb == "finish"
    ]
    if not attempts:
        return
    succeeded = _jobs(attempts, {JobStatus.SUCCEEDED})
    failed = _jobs(attempts, _FAILED)
    # A group that holds both says that the endpoint answers: the success comes last.
    if failed:
        execute(statements.NOTE_FAILURES, jobs=failed)
    if succeeded:
        execute(statements.NOTE_SUCCESSES, jobs=succeeded)


def _jobs(
    attempts: Sequence[Transition], statuses: frozenset[JobStatus] | set[JobStatus]
) -> list[UUID]:
    return [one.job_id for one in attempts if one.status in statuses]
