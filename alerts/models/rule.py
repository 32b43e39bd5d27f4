"""The rule: what counts as trouble, of whom, and who is told."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from alerts.models.owned import Owned
from alerts.models.policy import EscalationPolicy
from alerts.querysets import RuleQuerySet


class Severity(models.TextChoices):
    """How bad it is; the words that PagerDuty knows."""

    CRITICAL = "critical", "critical"
    ERROR = "error", "error"
    WARNING = "warning", "warning"
    INFO = "info", "info"


class Rule(Owned):
    """A merchant's rule looks at its own work, the platform's at everybody's."""

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=32)
    parameters = models.JSONField(default=dict, blank=True)
    # A plain column, as in jobs: None is all of the merchant's templates, and jobs without one.
    template_id = models.UUIDField(null=True, blank=True)
    severity = models.CharField(
        max_length=8, choices=Severity.choices, default=Severity.ERROR.value
    )
    policy = models.ForeignKey(
        EscalationPolicy,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rules",
        help_text="Who is told. Empty: incidents are kept, and nobody is told.",
    )
    enabled = models.BooleanField(default=True)

    objects: ClassVar = RuleQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "alert rule"
        constraints = [
            models.CheckConstraint(
                name="rule_severity_known", condition=Q(severity__in=Severity.values)
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="rule_merchant_newest"),
            models.Index(fields=["kind", "id"], name="rule_enabled", condition=Q(enabled=True)),
        ]

    def __str__(self) -> str:
        return self.name
