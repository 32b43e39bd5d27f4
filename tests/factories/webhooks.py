"""Webhook endpoints, and their events."""

from typing import Any

from alerts.models import WebhookEndpoint
from alerts.webhooks.operations.endpoints import create_endpoint
from jobs.handlers.http.target import host_of
from tenants.models import Merchant


def make_endpoint(merchant: Merchant, **values: Any) -> WebhookEndpoint:
    """Return a stored endpoint that hears of everything about jobs, at an address that nobody has."""
    given = {"url": "https://hooks.example/taskflow", "events": ["job.*"], **values}
    endpoint = WebhookEndpoint(merchant=merchant, host=host_of(given["url"]), **given)
    endpoint.draw_secret()
    endpoint.save(force_insert=True)
    return endpoint


__all__ = ["create_endpoint", "make_endpoint"]
