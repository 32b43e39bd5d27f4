"""The incident: trouble with one subject, from the first sign to its end."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from alerts.models.owned import Owned
from alerts.models.rule import Rule, Severity
from alerts.querysets import IncidentQuerySet


class IncidentState(models.TextChoices):
    """What people have done about it."""

    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    SNOOZED = "snoozed", "Snoozed"
    RESOLVED = "resolved", "Resolved"


class Incident(Owned):
    """One unresolved row a rule and subject: 10,000 failures are a count in it.

    `alerts.evaluator` writes what it finds, `alerts.operations.incidents` what people decide; each
    change names the states that it leaves.
    """

    rule = models.ForeignKey(
        Rule, on_delete=models.CASCADE, related_name="incidents", db_index=False
    )
    severity = models.CharField(max_length=8, choices=Severity.choices)
    # "template:<id>", "handler:<kind>:<name>", "lane:<name>" …
    subject_key = models.CharField(max_length=300)
    subject = models.CharField(max_length=300)
    detail = models.CharField(max_length=500, blank=True, default="")
    state = models.CharField(
        max_length=12, choices=IncidentState.choices, default=IncidentState.OPEN.value
    )
    count = models.PositiveBigIntegerField(help_text="How often it was seen.")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    example_job_id = models.UUIDField(null=True)

    # Where the policy stands: when its clock began, how many of its steps are done, and when somebody is
    # told next.
    escalates_from = models.DateTimeField()
    steps_done = models.PositiveSmallIntegerField(default=0)
    next_notice_at = models.DateTimeField(null=True)
    # Channels that were told; they hear of the recovery.
    told = ArrayField(models.UUIDField(), default=list)
    untold_at = models.DateTimeField(
        null=True, help_text="Every message about it failed for good: nobody could be told."
    )

    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, blank=True, default="")
    snoozed_until = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(
        max_length=200, blank=True, default="", help_text="Empty: it was over by itself."
    )
    note = models.CharField(max_length=500, blank=True, default="")

    objects: ClassVar = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="incident_one_open_per_subject",
                fields=["rule", "subject_key"],
                condition=~Q(state="resolved"),
            ),
            models.CheckConstraint(
                name="incident_state_known", condition=Q(state__in=IncidentState.values)
            ),
            models.CheckConstraint(
                name="incident_resolved_at_iff_resolved",
                condition=Q(state="resolved", resolved_at__isnull=False, next_notice_at=None)
                | (~Q(state="resolved") & Q(resolved_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="incident_snoozed_until_iff_snoozed",
                condition=Q(state="snoozed", snoozed_until__isnull=False)
                | (~Q(state="snoozed") & Q(snoozed_until__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="incident_merchant_newest"),
            # A tick reads whom somebody is to be told of now, and nothing else.
            models.Index(
                fields=["next_notice_at"],
                name="incident_notice_due",
                condition=Q(next_notice_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.subject
