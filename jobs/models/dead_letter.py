"""The dead letter: a job that failed for good and waits for a person."""

from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from jobs.querysets import DeadLetterQuerySet
from tenants.models import Merchant

from .job import Job


class Resolution(models.TextChoices):
    """What became of a dead letter."""

    REDRIVEN = "redriven", "Redriven"
    DISCARDED = "discarded", "Discarded"


class DeadLetter(models.Model):
    """One per final failure; open until somebody redrives or discards it."""

    id = models.UUIDField(
        primary_key=True,
        db_default=Func(function="uuidv7", output_field=models.UUIDField()),
        editable=False,
    )
    # Not enforced: a closed letter's job may be in the archive (queries.job_of) or kept no longer.
    job = models.ForeignKey(
        Job, on_delete=models.DO_NOTHING, related_name="dead_letters", db_constraint=False
    )
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="dead_letters", db_index=False
    )
    kind = models.CharField(max_length=32)
    handler = models.CharField(max_length=200, blank=True, default="")
    error_code = models.CharField(max_length=100)
    error_message = models.TextField(blank=True, default="")
    # The same for errors that differ only in numbers, ids and addresses: jobs.fingerprint.
    fingerprint = models.CharField(max_length=16)
    attempts = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    resolution = models.CharField(max_length=16, choices=Resolution, blank=True, default="")
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=200, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")

    objects = DeadLetterQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="dead_letter_one_open_per_job", fields=["job"], condition=Q(resolution="")
            ),
            models.CheckConstraint(
                name="dead_letter_resolved_at_iff_resolved",
                condition=Q(resolution="", resolved_at__isnull=True)
                | (~Q(resolution="") & Q(resolved_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="dead_letter_merchant_newest"),
            # The open ones grouped by error: the page that people work from.
            models.Index(
                fields=["merchant", "fingerprint"],
                name="dead_letter_open",
                condition=Q(resolution=""),
            ),
            # What may be forgotten, the oldest first.
            models.Index(
                fields=["merchant", "resolved_at"],
                name="dead_letter_resolved",
                condition=~Q(resolution=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.error_code}: {self.error_message[:80]}"
