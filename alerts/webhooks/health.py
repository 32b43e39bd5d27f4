"""Whether endpoints answer: noted with each group of attempts that ends. Who fails for days is disabled."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from alerts.webhooks import statements
from alerts.webhooks.events import ENDPOINT_DISABLED
from alerts.webhooks.kind_name import WEBHOOK
from alerts.webhooks.recording import News, write
from alerts.webhooks.timing import DISABLED_AFTER
from jobs.signals import Transition
from jobs.states import JobStatus
from tenants.platform import PLATFORM_ID
from tenants.statement import Row, execute

LIMIT = 1_000
GONE = "It answered 410: nobody is there any more. Mend it or change the URL, then enable it again."
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
    if ended := _jobs(attempts, {JobStatus.FAILED}):
        _tell(execute(statements.DISABLE_GONE, jobs=ended, reason=GONE))
    if succeeded:
        execute(statements.NOTE_SUCCESSES, jobs=succeeded)


def disable_failing(now: datetime) -> int:
    """Switch endpoints off at which all attempts failed for days on end; return how many.

    The merchant's event log says so, and so does the endpoint.
    """
    days = DISABLED_AFTER.days
    reason = (
        f"All attempts failed for {days} days. Mend it or change the URL, enable it again, and have "
        "redelivered what it missed."
    )
    with transaction.atomic():
        rows = execute(
            statements.DISABLE_FAILING,
            now=now,
            patience=DISABLED_AFTER.total_seconds(),
            reason=reason,
            limit=LIMIT,
        )
        _tell(rows)
    return len(rows)


def _tell(disabled: Sequence[Row]) -> None:
    write(
        [
            News(
                merchant_id=merchant_id,
                type=ENDPOINT_DISABLED,
                subject=endpoint_id,
                at=at,
                details={"endpoint_id": str(endpoint_id)},
            )
            for endpoint_id, merchant_id, at in disabled
        ]
    )


def _jobs(
    attempts: Sequence[Transition], statuses: frozenset[JobStatus] | set[JobStatus]
) -> list[UUID]:
    return [one.job_id for one in attempts if one.status in statuses]
