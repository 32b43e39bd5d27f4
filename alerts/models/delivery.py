"""The delivery: one message to one channel, sent by a job of the platform's merchant."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from alerts.models.channel import Channel
from alerts.models.owned import Owned
from alerts.querysets import DeliveryQuerySet


class DeliveryEvent(models.TextChoices):
    """What a message tells."""

    OPENED = "opened", "Opened"
    ESCALATED = "escalated", "Escalated"
    REMINDER = "reminder", "Reminder"
    RECOVERED = "recovered", "Recovered"
    TEST = "test", "Test"


class DeliveryState(models.TextChoices):
    """What became of it; the job says more."""

    PENDING = "pending", "Pending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class Delivery(Owned):
    """The text as it was when it was decided on. The job sends it; a tick reads how the job ended."""

    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="deliveries", db_index=True
    )
    event = models.CharField(max_length=9, choices=DeliveryEvent.choices)
    incidents = ArrayField(models.UUIDField(), default=list)
    # {"title", "text", "link", "severity", "facts": [...]}: see alerts.wording.
    message = models.JSONField()
    # A plain column: jobs are archived without asking.
    job_id = models.UUIDField()
    state = models.CharField(
        max_length=7, choices=DeliveryState.choices, default=DeliveryState.PENDING.value
    )
    ended_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True, default="")

    objects: ClassVar = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                name="delivery_state_known", condition=Q(state__in=DeliveryState.values)
            ),
            models.CheckConstraint(
                name="delivery_event_known", condition=Q(event__in=DeliveryEvent.values)
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="delivery_merchant_newest"),
            models.Index(fields=["id"], name="delivery_pending", condition=Q(state="pending")),
            GinIndex(fields=["incidents"], name="delivery_incidents"),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} to {self.channel}"
