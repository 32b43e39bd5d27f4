"""The webhook event: something happened that at least one endpoint subscribes to."""

from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from tenants.scoping import MerchantOwned, MerchantOwnedQuerySet


class WebhookEventQuerySet(MerchantOwnedQuerySet["WebhookEvent"]):
    """Events of merchants."""


class WebhookEvent(MerchantOwned):
    """Written once, in the transaction of what it tells of. Forgotten after its retention.

    `body` is what every delivery carries, byte for byte. No foreign keys: the event outlives its job.
    """

    id = models.UUIDField(
        primary_key=True,
        db_default=Func(function="uuidv7", output_field=models.UUIDField()),
        editable=False,
    )
    merchant = models.ForeignKey(
        "tenants.Merchant",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    type = models.CharField(max_length=64)
    # What it is about; events about the same are delivered in their order.
    subject = models.UUIDField()
    kind = models.CharField(max_length=32, blank=True, default="")
    template_id = models.UUIDField(null=True)
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    fanned_out = models.BooleanField(default=False, db_default=False)

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="webhook_event_newest"),
            # What was not handed on yet: merchants take turns.
            models.Index(
                fields=["merchant", "id"],
                name="webhook_event_waiting",
                condition=Q(fanned_out=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"
