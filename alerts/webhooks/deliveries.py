"""Deliveries as jobs of the platform's own merchant: any number in two statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts.webhooks import statements
from alerts.webhooks.kind_name import WEBHOOK
from alerts.webhooks.schedule import ATTEMPTS, BACKOFF
from jobs import lifecycle
from jobs.handlers.registry import ASYNC
from jobs.models import Job
from jobs.states import Gate
from tenants.identifiers import new_id
from tenants.platform import platform_merchant
from tenants.statement import execute

TIMEOUT = 15.0  # seconds that an endpoint has for its answer


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An event that an endpoint is to get."""

    event_id: UUID
    merchant_id: UUID
    type: str
    subject: UUID
    body: str
    endpoint_id: UUID
    host: str


def deliver(wanted: Sequence[Wanted], *, now: datetime, again: bool) -> list[UUID]:
    """Store a delivery and its job for each, in the order given; return the deliveries' ids.

    Call it in a transaction. One at a time for each endpoint and subject: the key's place is kept
    between attempts, so order survives failures.
    """
    if not wanted:
        return []
    platform = platform_merchant()
    ids = [new_id() for _ in wanted]
    jobs = [
        Job(
            merchant=platform,
            kind=WEBHOOK,
            handler=one.host,
            lane=ASYNC,
            name=one.type,
            payload={
                "endpoint": str(one.endpoint_id),
                "event": str(one.event_id),
                "body": one.body,
            },
            max_attempts=ATTEMPTS,
            backoff=BACKOFF,
            timeout=TIMEOUT,
            run_at=now,
            concurrency_key=f"webhook:{one.endpoint_id}:{one.subject}",
            concurrency_limit=1,
            gate=Gate.KEYED,
        )
        for one in wanted
    ]
    lifecycle.create(jobs)
    execute(
        statements.CREATE_DELIVERIES,
        ids=ids,
        merchants=[one.merchant_id for one in wanted],
        endpoints=[one.endpoint_id for one in wanted],
        events=[one.event_id for one in wanted],
        jobs=[job.pk for job in jobs],
        again=again,
    )
    return ids
