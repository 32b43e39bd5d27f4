"""A redrive of many dead letters: how far it is, and each letter's part in it."""

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from jobs.querysets import RedriveQuerySet
from jobs.redrive_stages import ItemState, RedriveState, Stage, Tally
from tenants.models import Merchant

STATES = [(state.value, state.value) for state in RedriveState]
STAGES = [(stage.value, stage.value) for stage in Stage]
ITEM_STATES = [(state.value, state.value) for state in ItemState]


class Redrive(models.Model):
    """One redrive. `jobs.operations.redrives` begins, stops and resumes it, `jobs.redriver` moves it on."""

    id = models.UUIDField(
        primary_key=True,
        db_default=Func(function="uuidv7", output_field=models.UUIDField()),
        editable=False,
    )
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="redrives", db_index=False
    )
    chosen_by = models.JSONField(default=dict, help_text="How its dead letters were chosen.")
    patch = models.JSONField(null=True, help_text="RFC 7386; applied to each payload.")
    rate = models.FloatField(help_text="Jobs per second.")
    state = models.CharField(max_length=8, choices=STATES, default=RedriveState.RUNNING)
    stage = models.CharField(max_length=8, choices=STAGES, default=Stage.CANARY)
    # How many jobs may go by the rate, as of `stepped_at`.
    allowance = models.FloatField(default=1.0)
    stepped_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField()
    redriven = models.PositiveIntegerField(default=0)
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=200)
    stopped_at = models.DateTimeField(null=True)
    stopped_by = models.CharField(max_length=200, blank=True, default="")
    stop_reason = models.CharField(max_length=500, blank=True, default="")
    finished_at = models.DateTimeField(null=True)

    objects = RedriveQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="redrive_finished_at_iff_done",
                condition=Q(state="done", finished_at__isnull=False)
                | (~Q(state="done") & Q(finished_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="redrive_counts_add_up",
                condition=Q(total__gte=F("redriven") + F("left_out"))
                & Q(redriven__gte=F("succeeded") + F("failed") + F("cancelled")),
            ),
            models.CheckConstraint(name="redrive_rate_is_positive", condition=Q(rate__gt=0)),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="redrive_merchant_newest"),
            # What the redriver looks at; those that are done are not in it.
            models.Index(
                F("stepped_at").asc(nulls_first=True),
                name="redrive_unfinished",
                condition=~Q(state="done"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.total:,} dead letters"

    @property
    def tally(self) -> Tally:
        """What became of its letters so far."""
        return Tally(
            total=self.total,
            redriven=self.redriven,
            succeeded=self.succeeded,
            failed=self.failed,
            cancelled=self.cancelled,
            left_out=self.left_out,
        )


class RedriveItem(models.Model):
    """One dead letter of a redrive. Names letter and job without foreign keys: both may be forgotten."""

    id = models.BigAutoField(primary_key=True)
    redrive = models.ForeignKey(
        Redrive, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    position = models.PositiveIntegerField()
    letter_id = models.UUIDField()
    job_id = models.UUIDField()
    state = models.CharField(max_length=10, choices=ITEM_STATES, default=ItemState.WAITING)
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["redrive", "position"], name="redrive_item_order")
        ]
        indexes = [
            models.Index(
                fields=["redrive", "position"],
                name="redrive_item_waiting",
                condition=Q(state="waiting"),
            ),
            models.Index(
                fields=["redrive", "position"],
                name="redrive_item_going",
                condition=Q(state="going"),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.position}: {self.state}"
