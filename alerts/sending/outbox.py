"""Deliveries and the jobs that send them, made together; and how those jobs ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from alerts.models import Channel, Delivery
from alerts.statements import delivering
from alerts.wording import plain
from jobs.operations.create import create_jobs
from jobs.operations.new_job import read_new_job
from tenants.identifiers import new_id
from tenants.platform import PLATFORM_ID, platform_merchant
from tenants.statement import execute

KIND = "alert"
SETTLED = 1_000  # deliveries whose end one tick reads
# Ten tries over about fifty minutes; a channel that is away for longer is told of by the incident.
ATTEMPTS = 10
BACKOFF = {"base": 10, "cap": 900}
TIMEOUT = 30.0  # seconds
PRIORITY = 10  # before whatever else the platform does for itself


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A message that was decided on."""

    channel: Channel
    event: str
    message: dict[str, Any]
    incidents: tuple[UUID, ...] = ()


def dispatch(drafts: Sequence[Draft], *, now: datetime) -> int:
    """Store the deliveries and their jobs, all or none; return how many. Call it in the transaction
    that decided on them."""
    if not drafts:
        return 0
    ids = [new_id() for _ in drafts]
    with transaction.atomic():
        new_jobs = [
            read_new_job(_job(delivery_id, draft), now=now, merchant_id=PLATFORM_ID)
            for delivery_id, draft in zip(ids, drafts, strict=True)
        ]
        placed = create_jobs(merchant=platform_merchant(), new_jobs=new_jobs, now=now)
        Delivery.objects.bulk_create(
            Delivery(
                id=delivery_id,
                merchant_id=draft.channel.merchant_id,
                channel=draft.channel,
                event=draft.event,
                incidents=list(draft.incidents),
                message=draft.message,
                job_id=one.job.pk,
                created_at=now,
            )
            for delivery_id, draft, one in zip(ids, drafts, placed, strict=True)
        )
    return len(drafts)


def settle(now: datetime) -> int:
    """Read how the jobs of pending deliveries ended; incidents nobody heard of say so."""
    ended = execute(delivering.SETTLE, now=now, limit=SETTLED)
    failed = sorted({one for _, state, about in ended if state == "failed" for one in about})
    sent = sorted({one for _, state, about in ended if state == "sent" for one in about})
    if failed:
        execute(delivering.NOBODY_TOLD, ids=failed, now=now)
    if sent:
        execute(delivering.SOMEBODY_TOLD, ids=sent)
    return len(ended)


def _job(delivery_id: UUID, draft: Draft) -> dict[str, Any]:
    return {
        "kind": KIND,
        "payload": {"delivery": str(delivery_id), "channel_kind": draft.channel.kind},
        "name": plain(f"alert to {draft.channel.name}", 200),
        "max_attempts": ATTEMPTS,
        "backoff": BACKOFF,
        "timeout": TIMEOUT,
        "priority": PRIORITY,
    }
