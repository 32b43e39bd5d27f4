"""The escalation policy: who is told of an incident, after how long, and how often again."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from alerts.models.owned import Owned
from alerts.querysets import PolicyQuerySet

LONGEST_REPEAT = 7 * 24 * 60  # minutes


class EscalationPolicy(Owned):
    """Steps in their order: {"after": minutes since the incident opened, "channels": [ids]}."""

    name = models.CharField(max_length=100)
    steps = models.JSONField(default=list)
    repeat_after = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=240,
        validators=[MinValueValidator(5), MaxValueValidator(LONGEST_REPEAT)],
        help_text="Minutes after which everybody is told again while nobody has acknowledged. "
        "Empty: once is enough.",
    )

    objects: ClassVar = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "escalation policy"
        verbose_name_plural = "escalation policies"
        constraints = [
            models.CheckConstraint(
                name="policy_repeats_in_range",
                condition=Q(repeat_after=None) | Q(repeat_after__range=(5, LONGEST_REPEAT)),
            ),
        ]
        indexes = [models.Index(fields=["merchant", "-id"], name="policy_merchant_newest")]

    def __str__(self) -> str:
        return self.name
