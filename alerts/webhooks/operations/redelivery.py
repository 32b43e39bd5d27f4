"""Send once more: one event, or everything that an endpoint did not get since a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from alerts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from alerts.webhooks import statements
from alerts.webhooks.deliveries import Wanted, deliver
from alerts.webhooks.operations.endpoints import EndpointOff, delivery_of, wanted_of
from alerts.webhooks.operations.trail import note
from alerts.webhooks.timing import KEPT
from jobs import lifecycle, publishing
from jobs.models import Job
from jobs.operations.fields import Fields
from jobs.partitions import first_id
from jobs.states import RESTARTABLE, JobStatus
from tenants.audit import Actor
from tenants.statement import execute

LIMIT = 1_000
_OFF = "The endpoint is switched off; enable it first."


class UnderWay(Exception):
    """The delivery is being sent at this moment."""


class EventForgotten(Exception):
    """The event is older than its retention."""


@dataclass(frozen=True, kw_only=True)
class Redelivered:
    """How many deliveries were set going again; `more`: ask again for the rest."""

    redelivered: int
    more: bool


def redeliver(delivery: WebhookDelivery, *, now: datetime, by: Actor) -> WebhookDelivery:
    """Send the event to its endpoint again, with the same id and body.

    One that failed gets a new round of attempts, one that waits for its next attempt is tried now, one
    that was received is sent by a new delivery. Raises EndpointOff, UnderWay, EventForgotten.
    """
    if delivery.endpoint.state != "active":
        raise EndpointOff(_OFF)
    with transaction.atomic():
        job: Job | None = Job.objects.filter(pk=delivery.job_id).first()
        event: WebhookEvent | None = WebhookEvent.objects.filter(pk=delivery.event_id).first()
        chosen = delivery.pk
        if job is not None and job.status in RESTARTABLE:
            lifecycle.restart(job_ids=[job.pk], now=now, by=by.shown)
        elif job is not None and job.status in {JobStatus.SCHEDULED, JobStatus.RETRYABLE}:
            lifecycle.advance(job_ids=[job.pk], now=now)
        elif job is not None and job.status != JobStatus.SUCCEEDED:
            raise UnderWay("The delivery is being sent at this moment; look again in a while.")
        elif event is None:
            raise EventForgotten(f"The event is forgotten: they are kept for {KEPT.days} days.")
        else:
            [chosen] = deliver([wanted_of(event, delivery.endpoint)], now=now, again=True)
        note("redeliver", delivery.endpoint, by, after={"delivery": str(delivery.pk)})
        transaction.on_commit(publishing.wake)
    return delivery_of(chosen)


def redeliver_since(
    endpoint: WebhookEndpoint, data: Any, *, now: datetime, by: Actor, limit: int = LIMIT
) -> Redelivered:
    """Send what the endpoint did not get of the events since `since`, oldest first.

    What failed or was cancelled, and what was told while the endpoint was off. At most `limit` of each.
    Raises InvalidFields, EndpointOff.
    """
    since = _since(data, now)
    if endpoint.state != "active":
        raise EndpointOff(_OFF)
    first = first_id(since)
    with transaction.atomic():
        rows = execute(statements.FIND_UNDELIVERED, endpoint=endpoint.pk, first=first, limit=limit)
        again = (
            lifecycle.restart(job_ids=[row[0] for row in rows], now=now, by=by.shown)
            if rows
            else []
        )
        found = execute(statements.FIND_UNHEARD, endpoint=endpoint.pk, first=first, limit=limit)
        deliver(
            [
                Wanted(
                    event_id=row[0],
                    merchant_id=row[1],
                    type=row[2],
                    subject=row[3],
                    body=row[4],
                    endpoint_id=row[5],
                    host=row[6],
                )
                for row in found
            ],
            now=now,
            again=False,
        )
        count = len(again) + len(found)
        note("redeliver", endpoint, by, after={"since": since, "deliveries": count})
        transaction.on_commit(publishing.wake)
    return Redelivered(redelivered=count, more=len(rows) == limit or len(found) == limit)


def _since(data: Any, now: datetime) -> datetime:
    fields = Fields(data, ("since",))
    since = fields.moment("since")
    if since is None and not fields.problems:
        fields.refuse("since", "required", "is required: from when on.")
    elif since is not None and not now - KEPT - timedelta(days=1) <= since <= now:
        fields.refuse("since", "out_of_range", f"must lie in the last {KEPT.days} days.")
    fields.raise_problems()
    assert since is not None
    return since
