"""The execution: one finished attempt of a job."""

from django.db import models
from django.db.models import Func

from jobs.outcomes import Result
from jobs.querysets import ExecutionQuerySet
from tenants.models import Merchant

from .job import Job


class Execution(models.Model):
    """Written once, by the statement that ends the attempt; never changed.

    The table is partitioned by its id: a UUIDv7 begins with its creation time, so a partition is a
    span of time and the key needs no second column. Foreign keys are not enforced by the database:
    a partition is dropped whole, and history must cost the hot path nothing.
    """

    id = models.UUIDField(
        primary_key=True,
        db_default=Func(function="uuidv7", output_field=models.UUIDField()),
        editable=False,
    )
    job = models.ForeignKey(
        Job,
        on_delete=models.DO_NOTHING,
        related_name="executions",
        db_constraint=False,
        db_index=False,
    )
    merchant = models.ForeignKey(
        Merchant, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    number = models.PositiveIntegerField(help_text="Counts from 1 over the job's life.")
    outcome = models.CharField(max_length=16, choices=[(r.value, r.value) for r in Result])
    scheduled_at = models.DateTimeField()
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    worker_id = models.UUIDField(null=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    error_code = models.CharField(max_length=100, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    output = models.JSONField(null=True)
    log = models.JSONField(default=list)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["job", "number"], name="execution_job_number"),
            models.Index(fields=["merchant", "-id"], name="execution_merchant_newest"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}"
