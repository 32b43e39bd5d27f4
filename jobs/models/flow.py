"""A flow rule: what of the jobs that have something in common may run now."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from jobs.flow import FlowScope
from jobs.querysets import FlowQuerySet
from tenants.identifiers import new_id
from tenants.models import Merchant

SCOPES = [(scope.value, scope.value) for scope in FlowScope]
# Seconds that a rate counts in.
RATE_PERIODS = [(1, "second"), (60, "minute"), (3_600, "hour"), (86_400, "day")]


class Flow(models.Model):
    """One rule. `jobs.operations.flows` writes what people decide, the populator `tokens`.

    A merchant's jobs may stand under two rules for the same: its own, and one that the operators made for
    it. Without a merchant a rule is the operators', over the jobs of all.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    set_by_operators = models.BooleanField(
        default=False,
        editable=False,
        help_text="The operators' rule: its merchant sees it and cannot change it.",
    )
    scope = models.CharField(max_length=8, choices=SCOPES)
    name = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="The template's id; the kind; the lane; the function, command, host or "
        "destination; the concurrency key; empty for the merchant.",
    )
    most_active = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text="How many of these jobs may be in workers' hands at once.",
    )
    rate = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text="How many of these jobs may start in a period, on average.",
    )
    rate_period = models.PositiveIntegerField(
        choices=RATE_PERIODS, default=1, help_text="The rate's period."
    )
    burst = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text="How many may start at once after a quiet time; as many as the rate if empty.",
    )
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_by = models.CharField(max_length=200, blank=True, default="", editable=False)
    pause_note = models.CharField(max_length=500, blank=True, default="")

    # The populator's: what was left of the burst, and when.
    tokens = models.FloatField(null=True, editable=False)
    tokens_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar = FlowQuerySet.as_manager()

    class Meta:
        ordering = ["scope", "name", "id"]
        verbose_name = "flow rule"
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "name", "merchant", "set_by_operators"],
                name="flow_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="flow_over_all_is_the_operators",
                condition=models.Q(merchant__isnull=False) | models.Q(set_by_operators=True),
            ),
            models.CheckConstraint(
                name="flow_scope_known",
                condition=models.Q(scope__in=[scope.value for scope in FlowScope]),
            ),
            models.CheckConstraint(
                name="flow_numbers_in_range",
                condition=(models.Q(most_active=None) | models.Q(most_active__gte=1))
                & (models.Q(rate=None) | models.Q(rate__gte=1))
                & (models.Q(burst=None) | models.Q(burst__gte=1))
                & models.Q(rate_period__in=[seconds for seconds, _ in RATE_PERIODS]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.name}".strip()
