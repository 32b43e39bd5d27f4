"""The channel: where messages about incidents go."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from alerts.models.owned import Owned
from alerts.querysets import ChannelQuerySet


class ChannelKind(models.TextChoices):
    """By which way a channel's messages go."""

    EMAIL = "email", "e-mail"
    SLACK = "slack", "Slack or compatible"
    WEBHOOK = "webhook", "signed webhook"
    PAGERDUTY = "pagerduty", "PagerDuty"


class Channel(Owned):
    """One place to tell people. What it takes to write there is sealed and never shown again."""

    SEALED_COLUMNS = ("sealed_settings",)

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=ChannelKind.choices)
    # For people: e-mail addresses, or the host; nothing that lets anybody send.
    shown = models.CharField(max_length=500, editable=False)
    sealed_settings = models.TextField(editable=False)
    enabled = models.BooleanField(default=True)

    objects: ClassVar = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "alert channel"
        constraints = [
            models.CheckConstraint(
                name="channel_kind_known", condition=Q(kind__in=ChannelKind.values)
            ),
            models.CheckConstraint(name="channel_is_sealed", condition=~Q(sealed_settings="")),
        ]
        indexes = [models.Index(fields=["merchant", "-id"], name="channel_merchant_newest")]

    def __str__(self) -> str:
        return self.name
