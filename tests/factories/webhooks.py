"""Webhook endpoints, their events and deliveries."""

from typing import Any

from alerts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from alerts.webhooks.deliveries import deliver
from alerts.webhooks.operations.endpoints import delivery_of, wanted_of
from alerts.webhooks.recording import body_of
from jobs.handlers.http.target import host_of
from tenants.identifiers import new_id
from tenants.models import Merchant
from tests.factories.jobs import NOW


def make_endpoint(merchant: Merchant, **values: Any) -> WebhookEndpoint:
    """Return a stored endpoint that hears of everything about jobs, at an address that nobody has."""
    given = {"url": "https://hooks.example/taskflow", "events": ["job.*"], **values}
    endpoint = WebhookEndpoint(merchant=merchant, host=host_of(given["url"]), **given)
    endpoint.draw_secret()
    endpoint.save(force_insert=True)
    return endpoint


def make_event(merchant: Merchant, event_type: str = "job.failed", **values: Any) -> WebhookEvent:
    """Return a stored event that was handed on."""
    body = body_of(event_type, NOW, {"job_id": "A-secret"})
    given = {"subject": new_id(), "body": body, "fanned_out": True, **values}
    event = WebhookEvent.objects.create(merchant=merchant, type=event_type, **given)
    return WebhookEvent.objects.get(pk=event.pk)


def make_delivery(endpoint: WebhookEndpoint, **values: Any) -> WebhookDelivery:
    """Return a stored delivery of a new event that waits to be sent, with its job."""
    event = make_event(endpoint.merchant, **values)
    [delivery_id] = deliver([wanted_of(event, endpoint)], now=NOW, again=False)
    return delivery_of(delivery_id)
