"""Occurrences that did not run as planned: rows instead of silence. They go with their template."""

from django.db import models
from django.db.models.functions import Now

from templates_app.models.template import Template
from templates_app.querysets import SkippedOccurrenceQuerySet
from tenants.identifiers import new_id
from tenants.scoping import MerchantOwned


class Cause(models.TextChoices):
    """Why it did not run."""

    CLOSED = "closed", "closed by a calendar"
    WINDOW = "window", "maintenance window"
    CLOCK_CHANGE = "clock_change", "clock change"
    MISSED = "missed", "missed in an outage"
    OVERLAP = "overlap", "the last run was still going"
    MERGED = "merged", "another occurrence took its place"
    PAUSED = "paused", "paused or switched off"
    CHANGED = "changed", "the template was changed"


# What a plan says of the time ahead. A plan that replaces it says it anew.
PLANNED = (Cause.CLOSED.value, Cause.WINDOW.value, Cause.CLOCK_CHANGE.value, Cause.MERGED.value)


class SkippedOccurrence(MerchantOwned):
    """One occurrence, or several in a row with the same cause and reason."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    template = models.ForeignKey(
        Template, on_delete=models.CASCADE, related_name="skipped", db_index=False
    )
    cause = models.CharField(max_length=16, choices=Cause.choices)
    reason = models.CharField(max_length=500)
    first_at = models.DateTimeField(help_text="The first occurrence that did not run.")
    last_at = models.DateTimeField(help_text="The last one; the same when it is one.")
    occurrences = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)
    resolved_by = models.CharField(max_length=200, blank=True, default="", editable=False)
    resolution = models.CharField(max_length=200, blank=True, default="", editable=False)

    objects = SkippedOccurrenceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="skipped_counts_at_least_one",
                condition=models.Q(occurrences__gte=1, last_at__gte=models.F("first_at")),
            ),
        ]
        indexes = [
            models.Index(fields=["template", "-id"], name="skipped_template_newest"),
            models.Index(fields=["merchant", "-id"], name="skipped_merchant_newest"),
            # What a new plan replaces; statements.REPLACE_PLANNED_SKIPS names the same causes.
            models.Index(
                fields=["template", "last_at"],
                name="skipped_planned",
                condition=models.Q(cause__in=PLANNED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_cause_display()}: {self.first_at:%F %T}"
