"""What leaves for a broker: an order and its attempt made into text and headers. Pure."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from celery import Celery

from jobs.handlers.publish.payload import Order
from jobs.handlers.trace_context import traceparent
from jobs.outcomes import Attempt

APPLICATION = "taskflow"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message. `body` is text, sent as UTF-8; `id` is the job's, the same for all attempts."""

    id: str
    content_type: str
    body: str = field(repr=False)
    headers: dict[str, Any] = field(repr=False)
    properties: dict[str, str] = field(default_factory=dict, repr=False)

    def document(self) -> str:
        """Return the message as one JSON document, for a place that knows no headers.

        The body stands in it as JSON, or as a string when it is text.
        """
        value = json.loads(self.body) if self.content_type == "application/json" else self.body
        whole = {
            "id": self.id,
            "content_type": self.content_type,
            "headers": self.headers,
            "body": value,
        }
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))

    def fields(self) -> dict[str, str]:
        """Return the message as the fields of a stream's entry; the headers are a JSON object."""
        return {
            "id": self.id,
            "content_type": self.content_type,
            "headers": json.dumps(self.headers, ensure_ascii=False, separators=(",", ":")),
            "body": self.body,
        }


def build_message(order: Order, attempt: Attempt) -> Message:
    """Return the message of one attempt, its headers naming job and attempt."""
    if order.task:
        return _celery_message(order, attempt)
    job_id = str(attempt.job_id)
    return Message(
        id=job_id,
        content_type=order.content_type,
        body=order.body,
        headers={**order.headers, **_identity(attempt)},
        properties={"message_id": job_id, "app_id": APPLICATION},
    )


def _identity(attempt: Attempt) -> dict[str, str]:
    """Return the headers that kind `http` sends as well."""
    return {
        "Idempotency-Key": str(attempt.job_id),
        "X-TaskFlow-Job": str(attempt.job_id),
        "X-TaskFlow-Attempt": str(attempt.number),
        "traceparent": traceparent(attempt.job_id, attempt.number),
    }


def _celery_message(order: Order, attempt: Attempt) -> Message:
    """Return the call of a task by Celery's message protocol 2; the task's id is the job's."""
    job_id = str(attempt.job_id)
    # On PostgreSQL's clock, as the attempt's start is.
    expires = attempt.started_at + timedelta(seconds=order.expires) if order.expires else None
    call = _celery().amqp.as_task_v2(
        job_id, order.task, tuple(order.args), order.kwargs, expires=expires, origin=APPLICATION
    )
    text = json.dumps(call.body, ensure_ascii=False, separators=(",", ":"))
    return Message(
        id=job_id,
        content_type="application/json",
        body=text,
        headers={**order.headers, **call.headers, **_identity(attempt)},
        properties={**call.properties, "message_id": job_id, "app_id": APPLICATION},
    )


@cache
def _celery() -> Celery:
    """Return an application that knows Celery's defaults only: it writes messages, sends none."""
    return Celery(set_as_current=False)
