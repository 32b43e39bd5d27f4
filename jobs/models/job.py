"""The job: what is to run, when, and where it stands."""

from enum import StrEnum

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobs.models.job_indexes import INDEXES
from jobs.querysets import JobQuerySet
from jobs.states import FINAL, STARTED, Gate, JobStatus, Origin, Overlap
from jobs.unique import Scope
from tenants.identifiers import new_id
from tenants.models import Merchant


def _choices(values: type[StrEnum]) -> list[tuple[str, str]]:
    return [(value.value, value.value.replace("_", " ").capitalize()) for value in values]


STATUS_CHOICES = _choices(JobStatus)
MAX_TIMEOUT = 86_400


class JobRow(models.Model):
    """The columns of a job, wherever it lies: at work (Job) or in the archive (ArchivedJob)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # The index on (merchant, id) serves the foreign key as well.
    # No constraint: it looks the merchant up, and writes a lock into its row, once for each job, a
    # third of what storing a job costs. A merchant that was ever there stays (tenants, 0002).
    merchant = models.ForeignKey(
        Merchant,
        on_delete=models.PROTECT,
        related_name="jobs",
        db_index=False,
        db_constraint=False,
    )
    # Plain columns, not foreign keys: jobs never import the templates.
    template_id = models.UUIDField(null=True, editable=False)
    # The nominal moment, which with the template is the occurrence's identity. `run_at` is when it
    # is really planned, after holidays, windows and jitter; the note says in a sentence why.
    occurrence_at = models.DateTimeField(null=True, editable=False)
    occurrence_note = models.CharField(max_length=200, blank=True, default="", db_default="")
    origin = models.CharField(
        max_length=8, choices=_choices(Origin), blank=True, default="", db_default=""
    )
    overlap = models.CharField(
        max_length=14, choices=_choices(Overlap), blank=True, default="", db_default=""
    )
    # Shut until the populator has decided on a job's overlap; then keyed until it has a place of its
    # concurrency key; parked while a flow rule has no room; only '' is queued.
    gate = models.CharField(
        max_length=6, choices=_choices(Gate), blank=True, default="", db_default="", editable=False
    )
    # Of a parked job: the rule, and its place in the rule's line.
    parked_by = models.UUIDField(null=True, editable=False)
    parked_rank = models.DateTimeField(null=True, editable=False)
    # A breaker stopped or spared it first at that moment, and no attempt of it has counted since.
    unanswered_since = models.DateTimeField(null=True, editable=False)
    # Of the last time in the queue: its end makes room under a flow rule.
    limited = models.BooleanField(default=False, db_default=False, editable=False)
    # At most `concurrency_limit` jobs of a merchant hold a place of a key at once. Without a place a
    # job stays behind its gate; with one it keeps it to its end, between attempts as well.
    concurrency_key = models.CharField(
        max_length=200, blank=True, default="", db_default="", editable=False
    )
    concurrency_limit = models.PositiveSmallIntegerField(default=1, db_default=1, editable=False)
    holds_place = models.BooleanField(default=False, db_default=False, editable=False)
    # Looked at since it fell due: from here on the end of a job that holds a place moves the line.
    in_line = models.BooleanField(default=False, db_default=False, editable=False)
    # It went out of its key's line, or gave its place back, and lives on; or it got a place, and there may
    # be more for those behind it.
    tells_line = models.BooleanField(default=False, db_default=False, editable=False)
    missed_at = models.DateTimeField(
        null=True, editable=False, help_text="Not queued by then, the occurrence counts as missed."
    )

    kind = models.CharField(max_length=32)
    handler = models.CharField(max_length=200, blank=True, default="")
    lane = models.CharField(max_length=16)
    name = models.CharField(max_length=200, blank=True, default="")
    tags = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    payload = models.JSONField(default=dict, blank=True)
    priority = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(0), MaxValueValidator(10)]
    )
    max_attempts = models.PositiveSmallIntegerField(default=5)
    backoff = models.JSONField(null=True, blank=True)
    timeout = models.FloatField(default=60.0, help_text="Seconds one attempt may take.")
    run_at = models.DateTimeField(help_text="When the job was asked to run.")
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Not started by then, the job fails as expired."
    )

    # For people: who holds a key is in UniqueClaim.
    unique_key = models.CharField(
        max_length=200, blank=True, default="", db_default="", editable=False
    )
    unique_scope = models.CharField(
        max_length=10,
        choices=_choices(Scope),
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    condition = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text="A CEL expression over the parents' results; when false, the job is skipped.",
    )
    # Its condition or its payload takes the parents' results, which were not put in yet.
    draws_on_parents = models.BooleanField(default=False, db_default=False, editable=False)
    # Some job depends on this one, and its end was not settled with all of them yet.
    awaited = models.BooleanField(default=False, db_default=False, editable=False)

    status = models.CharField(max_length=16, choices=STATUS_CHOICES)
    scheduled_at = models.DateTimeField(help_text="When the next attempt is due.")
    attempt = models.PositiveIntegerField(default=0)
    # Attempts made before the last manual retry: they stay counted, but not against max_attempts.
    earlier_attempts = models.PositiveIntegerField(default=0)
    lost_count = models.PositiveIntegerField(default=0)
    ticket = models.BigIntegerField(null=True, editable=False)
    queued_at = models.DateTimeField(null=True)
    queue_lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    worker_id = models.UUIDField(null=True)
    # Of the last claim: an attempt that may have happened is not repeated.
    at_most_once = models.BooleanField(default=False, db_default=False, editable=False)
    deadline_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    finalized_at = models.DateTimeField(null=True)
    progress = models.PositiveSmallIntegerField(null=True)
    progress_note = models.CharField(max_length=200, blank=True, default="")
    skip_reason = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Why the job was not run, or not to its end.",
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name or self.kind} {self.id}"


class Job(JobRow):
    """One piece of work. `jobs.lifecycle` alone writes `status` and the columns that follow it.

    Some time after its end it is moved to the archive; who looks at history asks AnyJob.
    """

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="job_status_known",
                condition=Q(status__in=[status.value for status in JobStatus]),
            ),
            models.CheckConstraint(
                name="job_finalized_iff_final",
                condition=Q(status__in=FINAL, finalized_at__isnull=False)
                | (~Q(status__in=FINAL) & Q(finalized_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="job_queued_has_ticket_and_lease",
                condition=~Q(status=JobStatus.QUEUED)
                | Q(ticket__isnull=False, queued_at__isnull=False, queue_lease_until__isnull=False),
            ),
            models.CheckConstraint(
                name="job_running_has_owner",
                condition=~Q(status=JobStatus.RUNNING)
                | Q(
                    ticket__isnull=False,
                    worker_id__isnull=False,
                    started_at__isnull=False,
                    deadline_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="job_numbers_in_range",
                condition=Q(
                    priority__range=(0, 10),
                    max_attempts__range=(1, 100),
                    timeout__gt=0,
                    timeout__lte=MAX_TIMEOUT,
                ),
            ),
            models.CheckConstraint(name="job_origin_known", condition=Q(origin__in=["", *Origin])),
            models.CheckConstraint(
                name="job_overlap_has_template",
                condition=Q(overlap="") | Q(overlap__in=list(Overlap), template_id__isnull=False),
            ),
            # Whatever goes wrong above: a job whose overlap is undecided is in no worker's hands.
            models.CheckConstraint(
                name="job_behind_gate_not_started",
                condition=Q(gate="")
                | (Q(gate__in=[Gate.SHUT, Gate.HELD]) & ~Q(overlap="") & ~Q(status__in=STARTED))
                | (
                    Q(gate=Gate.PARKED, parked_by__isnull=False, parked_rank__isnull=False)
                    & ~Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING])
                )
                | (Q(gate=Gate.KEYED, holds_place=False) & ~Q(status__in=STARTED)),
            ),
            models.CheckConstraint(
                name="job_with_key_has_place_or_waits",
                condition=Q(concurrency_key="", holds_place=False, in_line=False, tells_line=False)
                | Q(concurrency_limit__gte=1, holds_place=True)
                | Q(concurrency_limit__gte=1, gate__in=[Gate.KEYED, Gate.SHUT, Gate.HELD])
                | Q(concurrency_limit__gte=1, status__in=FINAL),
            ),
            # One job per occurrence, whoever expands it and how often.
            models.UniqueConstraint(
                name="job_one_per_occurrence",
                fields=["template_id", "occurrence_at"],
                condition=Q(template_id__isnull=False),
            ),
        ]
        indexes = INDEXES
