"""The webhook delivery: one event on its way to one endpoint; how it went is its job's history."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from alerts.models.webhook_endpoint import WebhookEndpoint
from alerts.models.webhook_event import WebhookEvent
from jobs.models import Job
from tenants.identifiers import new_id
from tenants.scoping import MerchantOwned, MerchantOwnedQuerySet


class WebhookDeliveryQuerySet(MerchantOwnedQuerySet["WebhookDelivery"]):
    """Deliveries of merchants."""


class WebhookDelivery(MerchantOwned):
    """Ties an event, an endpoint and the platform's job that sends it. Never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        "tenants.Merchant",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    event = models.ForeignKey(
        WebhookEvent,
        on_delete=models.DO_NOTHING,
        related_name="deliveries",
        db_index=False,
        db_constraint=False,
    )
    job = models.ForeignKey(
        Job, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    # Somebody asked for the event once more, or for a test.
    again = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "event"],
                name="webhook_delivery_once",
                condition=Q(again=False),
            ),
            models.UniqueConstraint(fields=["job"], name="webhook_delivery_of_job"),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="webhook_delivery_newest"),
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_endpoint"),
            models.Index(fields=["event"], name="webhook_delivery_event"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.id}"
