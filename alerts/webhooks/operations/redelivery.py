"""Send once more: one event, or everything that an endpoint did not get since a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from alerts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from alerts.webhooks import statements
from alerts.webhooks.deliveries import Wanted, deliver
from alerts.webhooks.operations.endpoints import EndpointOff, delivery_of, wanted_of
from alerts.webhooks.operations.trail import note
from alerts.webhooks.timing import KEPT
from jobs import lifecycle, publishing
from jobs.models import AnyJob, Job
from jobs.operations.fields import Fields
from jobs.partitions import first_id
from jobs.states import RESTARTABLE, JobStatus
from tenants.audit import Actor
from tenants.platform import PLATFORM_ID
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
        job: Job | None = AnyJob.objects.filter(pk=delivery.job_id).first()
        event: WebhookEvent | None = WebhookEvent.objects.filter(pk=delivery.event_id).first()
        chosen = delivery.pk
        if job is not None and job.status in RESTARTABLE:
            _restart([job.pk], now=now, by=by)
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
    """Send what the endpoint did not get of the events from `since` on, before `until`, oldest first.

    What failed or was cancelled, and what was told while the endpoint was off. At most `limit` of each.
    Raises InvalidFields, EndpointOff.
    """
    since, until = _span(data, now)
    if endpoint.state != "active":
        raise EndpointOff(_OFF)
    span = {"endpoint": endpoint.pk, "first": first_id(since), "end": first_id(until)}
    with transaction.atomic():
        rows = execute(statements.FIND_UNDELIVERED, **span, limit=limit)
        again = _restart([row[0] for row in rows], now=now, by=by)
        found = execute(statements.FIND_UNHEARD, **span, limit=limit)
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
        count = again + len(found)
        said = {"since": since, "until": until, "deliveries": count}
        note("redeliver", endpoint, by, after=said)
        transaction.on_commit(publishing.wake)
    return Redelivered(redelivered=count, more=len(rows) == limit or len(found) == limit)


def _restart(job_ids: list[UUID], *, now: datetime, by: Actor) -> int:
    """Give jobs that ended a new round, archived ones as well; return how many."""
    if not job_ids:
        return 0
    lifecycle.recall(job_ids, merchant_id=PLATFORM_ID)
    return len(lifecycle.restart(job_ids=job_ids, now=now, by=by.shown))


def _span(data: Any, now: datetime) -> tuple[datetime, datetime]:
    fields = Fields(data, ("since", "until"))
    since = fields.moment("since")
    until = fields.moment("until") if fields.data.get("until") is not None else None
    if since is None and not fields.is_refused("since"):
        fields.refuse("since", "required", "is required: from when on.")
    elif since is not None and not now - KEPT - timedelta(days=1) <= since <= now:
        fields.refuse("since", "out_of_range", f"must lie in the last {KEPT.days} days.")
    elif since is not None and until is not None and until <= since:
        fields.refuse("until", "out_of_range", 'must be later than "since".')
    fields.raise_problems()
    assert since is not None
    # What has happened by now: ids are drawn by the same clock, a moment later at most.
    return since, until or now + timedelta(seconds=1)
