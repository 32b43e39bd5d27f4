"""Events become rows, in the transaction of what they tell of: both are committed, or neither is."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from alerts.webhooks import statements
from alerts.webhooks.audience import AUDIENCE_OF_ALL
from alerts.webhooks.events import OF_STATUS
from jobs.signals import Transition
from tenants.statement import execute


@dataclass(frozen=True, kw_only=True)
class News:
    """Something happened to `subject`, at a moment of PostgreSQL's clock; `details` is JSON.

    Nothing that a person or a target wrote may be in `details`: no names, payloads or messages.
    """

    merchant_id: UUID
    type: str
    subject: UUID
    at: datetime
    details: Mapping[str, Any]
    template_id: UUID | None = None


def record_ends(transitions: Iterable[Transition]) -> None:
    """Write the events of jobs that ended, in one statement; none when nobody subscribes to them."""
    told = [
        (one.job_id, event_type)
        for one in transitions
        for event_type in OF_STATUS.get(one.status, ())
        if AUDIENCE_OF_ALL.wants(one.merchant_id, event_type)
    ]
    if told:
        execute(
            statements.RECORD_JOB_EVENTS,
            ids=[job_id for job_id, _ in told],
            types=[event_type for _, event_type in told],
        )


def record(news: Iterable[News]) -> int:
    """Write events that somebody subscribes to, in the caller's transaction; return how many.

    Call it in the transaction of the change itself.
    """
    if not AUDIENCE_OF_ALL.is_there():
        return 0
    wanted = [one for one in news if AUDIENCE_OF_ALL.wants(one.merchant_id, one.type)]
    write(wanted)
    return len(wanted)


def write(news: Sequence[News]) -> None:
    """Write events, whoever subscribes to them, in the caller's transaction and in the order given."""
    if news:
        execute(
            statements.RECORD_EVENTS,
            merchants=[one.merchant_id for one in news],
            types=[one.type for one in news],
            subjects=[one.subject for one in news],
            templates=[one.template_id for one in news],
            bodies=[body_of(one.type, one.at, one.details) for one in news],
        )


def body_of(event_type: str, at: datetime, details: Mapping[str, Any]) -> str:
    """Return what is sent, in the shape of Standard Webhooks: type, timestamp, data."""
    whole = {"type": event_type, "timestamp": rfc3339(at), "data": dict(details)}
    return json.dumps(whole, separators=(",", ":"))


def rfc3339(at: datetime) -> str:
    """Return a moment as bodies show it: UTC, with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
