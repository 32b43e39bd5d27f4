"""How endpoints, events and deliveries look in answers. Secrets are in none of them."""

import json
from typing import Any

from alerts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from alerts.webhooks.operations.endpoints import NewSecret
from alerts.webhooks.queries import RETRYING, History
from jobs.api.representations import moment
from jobs.models import Execution


def endpoint_detail(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return the public fields of an endpoint."""
    return {
        "id": str(endpoint.pk),
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "kind": endpoint.kind,
        "template_id": str(endpoint.template_id) if endpoint.template_id else None,
        "active": endpoint.active,
        "state": endpoint.state,
        "failing_since": moment(endpoint.failing_since),
        "last_success_at": moment(endpoint.last_success_at),
        "disabled_at": moment(endpoint.disabled_at),
        "disabled_reason": endpoint.disabled_reason,
        "old_secret_until": moment(endpoint.old_secret_until),
        "created_at": moment(endpoint.created_at),
    }


def with_secret(new: NewSecret) -> dict[str, Any]:
    """Return an endpoint with its new secret: the one answer that shows it."""
    return {**endpoint_detail(new.endpoint), "secret": new.secret}


def event_detail(event: WebhookEvent) -> dict[str, Any]:
    """Return an event with what is sent of it."""
    return {
        "id": str(event.pk),
        "type": event.type,
        "created_at": moment(event.created_at),
        "body": json.loads(event.body),
    }


def delivery_summary(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return a delivery that was read with its `history` and its `told_type`."""
    history: History = delivery.history  # type: ignore[attr-defined]
    job = history.job
    return {
        "id": str(delivery.pk),
        "endpoint_id": str(delivery.endpoint_id),
        "event_id": str(delivery.event_id),
        "type": delivery.told_type,  # type: ignore[attr-defined]
        "again": delivery.again,
        "state": history.state,
        "attempts": job.attempt if job else len(history.attempts),
        "next_attempt_at": moment(job.scheduled_at) if job and history.state == RETRYING else None,
        "last_attempt": attempt_detail(history.attempts[0]) if history.attempts else None,
        "created_at": moment(delivery.created_at),
    }


def delivery_detail(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return a delivery with all its attempts, newest first."""
    history: History = delivery.history  # type: ignore[attr-defined]
    attempts = [attempt_detail(one) for one in history.attempts]
    return {**delivery_summary(delivery), "history": attempts}


def attempt_detail(attempt: Execution) -> dict[str, Any]:
    """Return what an endpoint answered, or why it did not."""
    output = attempt.output or {}
    return {
        "number": attempt.number,
        "outcome": attempt.outcome,
        "started_at": moment(attempt.started_at),
        "finished_at": moment(attempt.finished_at),
        "response_status": attempt.http_status,
        "duration_ms": output.get("duration_ms"),
        "excerpt": output.get("body", ""),
        "error_code": attempt.error_code,
        "error": attempt.error_message,
    }
