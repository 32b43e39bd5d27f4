"""Create, edit, test, rotate, enable and delete endpoints."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from alerts.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from alerts.operations.refusals import TooManyTests
from alerts.webhooks.audience import AUDIENCE_OF_ALL
from alerts.webhooks.deliveries import Wanted, deliver
from alerts.webhooks.events import ENDPOINT_TEST
from alerts.webhooks.operations.draft import read_change, read_endpoint
from alerts.webhooks.operations.trail import note, told
from alerts.webhooks.recording import body_of
from jobs import publishing
from jobs.operations.fields import Fields
from jobs.partitions import first_id
from tenants.audit import SYSTEM, Actor
from tenants.models import Merchant
from tenants.platform import PLATFORM_ID

MOST_ENDPOINTS = 50
MOST_TESTS = 5
TESTS_WITHIN = timedelta(minutes=1)
OVERLAP = 24 * 3_600
LONGEST_OVERLAP = 7 * 24 * 3_600


class TooManyEndpoints(Exception):
    """The merchant has as many endpoints as it may have."""


class EndpointGone(Exception):
    """The endpoint was deleted meanwhile."""


class EndpointOff(Exception):
    """The endpoint gets nothing as it stands."""


class PlatformHasNoEndpoints(Exception):
    """The platform's own merchant hears of nothing by webhooks: its deliveries are its jobs."""


@dataclass(frozen=True, kw_only=True)
class NewSecret:
    """An endpoint with a secret that is shown this once; the repr hides it."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


def create_endpoint(data: Any, *, merchant: Merchant, by: Actor = SYSTEM) -> NewSecret:
    """Store an endpoint with a secret of its own.

    Raises InvalidFields, TooManyEndpoints, PlatformHasNoEndpoints.
    """
    columns = read_endpoint(data, merchant=merchant)
    if merchant.pk == PLATFORM_ID:
        raise PlatformHasNoEndpoints("TaskFlow's own jobs are told to nobody by webhooks.")
    if WebhookEndpoint.objects.of(merchant).kept().count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints(
            f"You can have {MOST_ENDPOINTS} webhook endpoints; delete one that is not needed."
        )
    endpoint = WebhookEndpoint(merchant=merchant, **columns)
    endpoint.draw_secret()
    with transaction.atomic():
        endpoint.save(force_insert=True)
        note("create", endpoint, by, after=told(endpoint))
        _tell_audience()
    endpoint.refresh_from_db()
    return NewSecret(endpoint=endpoint, secret=endpoint.secret)


def edit_endpoint(endpoint: WebhookEndpoint, data: Any, *, by: Actor = SYSTEM) -> WebhookEndpoint:
    """Change what `data` names; deliveries under way follow. Raises InvalidFields, EndpointGone."""
    columns = read_change(data, merchant=endpoint.merchant)

    def change(row: WebhookEndpoint) -> None:
        for name, value in columns.items():
            setattr(row, name, value)

    return _changed(endpoint, change, verb="edit", by=by)


def enable_endpoint(endpoint: WebhookEndpoint, *, by: Actor = SYSTEM) -> WebhookEndpoint:
    """Switch it on again, also after it was disabled; what it missed is `redeliver_since`'s business.

    Raises EndpointGone.
    """

    def change(row: WebhookEndpoint) -> None:
        row.active = True
        row.disabled_at, row.disabled_reason = None, ""
        row.failing_since = row.last_failure_at = None

    return _changed(endpoint, change, verb="enable", by=by)


def rotate_secret(
    endpoint: WebhookEndpoint, data: Any, *, now: datetime, by: Actor = SYSTEM
) -> NewSecret:
    """Draw a new secret; the one before it signs as well for `overlap` seconds (a day unless told).

    A third one that still overlapped ends. Raises InvalidFields, EndpointGone.
    """
    fields = Fields({} if data is None else data, ("overlap",))
    overlap = fields.integer("overlap", OVERLAP, minimum=0, maximum=LONGEST_OVERLAP)
    fields.raise_problems()

    def change(row: WebhookEndpoint) -> None:
        if overlap:
            row.sealed_old_secret = row.sealed_secret
            row.old_secret_until = now + timedelta(seconds=overlap)
        else:
            row.sealed_old_secret, row.old_secret_until = "", None
        row.draw_secret()

    row = _changed(endpoint, change, verb="rotate", by=by)
    return NewSecret(endpoint=row, secret=row.secret)


def test_endpoint(endpoint: WebhookEndpoint, *, now: datetime, by: Actor) -> WebhookDelivery:
    """Send an event of its own to the endpoint. Raises EndpointOff, TooManyTests."""
    if endpoint.state != "active":
        raise EndpointOff("The endpoint is switched off; enable it first.")
    with transaction.atomic():
        # Of tests at once each counts those before it.
        list(WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk))
        recent = WebhookEvent.objects.filter(
            merchant_id=endpoint.merchant_id,
            pk__gte=first_id(now - TESTS_WITHIN),
            type=ENDPOINT_TEST,
            subject=endpoint.pk,
            created_at__gt=now - TESTS_WITHIN,
        )
        if recent.count() >= MOST_TESTS:
            raise TooManyTests(
                f"An endpoint can be tested {MOST_TESTS} times a minute; wait a little."
            )
        details = {"endpoint_id": str(endpoint.pk)}
        event = WebhookEvent.objects.create(
            merchant_id=endpoint.merchant_id,
            type=ENDPOINT_TEST,
            subject=endpoint.pk,
            body=body_of(ENDPOINT_TEST, now, details),
            fanned_out=True,
        )
        [delivery_id] = deliver([wanted_of(event, endpoint)], now=now, again=True)
        note("test", endpoint, by)
        transaction.on_commit(publishing.wake)
    return delivery_of(delivery_id)


# Not a test, whatever its name begins with.
test_endpoint.__test__ = False  # type: ignore[attr-defined]


def delete_endpoint(endpoint: WebhookEndpoint, *, now: datetime, by: Actor = SYSTEM) -> None:
    """Delete it; deliveries under way are not sent any more."""

    def change(row: WebhookEndpoint) -> None:
        row.active, row.deleted_at = False, now

    _changed(endpoint, change, verb="delete", by=by)


def wanted_of(event: WebhookEvent, endpoint: WebhookEndpoint) -> Wanted:
    """Return an event as a delivery to the endpoint takes it."""
    return Wanted(
        event_id=event.pk,
        merchant_id=event.merchant_id,
        type=event.type,
        subject=event.subject,
        body=event.body,
        endpoint_id=endpoint.pk,
        host=endpoint.host,
    )


def delivery_of(delivery_id: UUID) -> WebhookDelivery:
    """Return a delivery with its endpoint; its event and its job may be gone."""
    found: WebhookDelivery = WebhookDelivery.objects.select_related("endpoint").get(pk=delivery_id)
    return found


def _changed(
    endpoint: WebhookEndpoint, change: Callable[[WebhookEndpoint], None], *, verb: str, by: Actor
) -> WebhookEndpoint:
    with transaction.atomic():
        rows = WebhookEndpoint.objects.kept().select_for_update(no_key=True)
        row: WebhookEndpoint | None = rows.filter(pk=endpoint.pk).first()
        if row is None:
            raise EndpointGone("The endpoint was deleted.")
        before = told(row)
        change(row)
        row.save(force_update=True)
        note(verb, row, by, before=before, after=told(row))
        _tell_audience()
    return row


def _tell_audience() -> None:
    """Have this process look at once; the others look within a second."""
    transaction.on_commit(AUDIENCE_OF_ALL.forget)
