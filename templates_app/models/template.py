"""The template: a job's blueprint and the recurrence by which it becomes jobs."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobs.operations.limits import MAX_CONCURRENCY
from templates_app.querysets import TemplateQuerySet
from tenants.identifiers import new_id
from tenants.scoping import MerchantOwned

DEFAULT_GRACE = 300  # seconds
DEFAULT_WINDOW = 86_400  # seconds
DEFAULT_LIMIT = 100


class Misfire(models.TextChoices):
    """What becomes of occurrences that were missed, after an outage."""

    SKIP = "skip", "skip them"
    RUN_ONCE = "run_once", "run the last one"
    RUN_ALL = "run_all", "run them all"


class Overlap(models.TextChoices):
    """What happens when an occurrence is due while the last one still runs."""

    ALLOW = "allow", "run both"
    SKIP = "skip", "skip the new one"
    QUEUE_ONE = "queue_one", "let one wait"
    CANCEL_RUNNING = "cancel_running", "cancel the old one"


class OnClosed(models.TextChoices):
    """What happens to an occurrence that falls on a closed time."""

    SKIP = "skip", "skip it"
    NEXT_OPEN = "next_open", "run at the next open time"
    PREVIOUS_OPEN = "previous_open", "run at the last open time before"
    NEXT_BUSINESS_DAY = "next_business_day", "run on the next business day, same time"
    PREVIOUS_BUSINESS_DAY = "previous_business_day", "run on the business day before, same time"


class Template(MerchantOwned):
    """A job that happens again and again.

    `templates_app.operations` writes what people decide, `templates_app.expander` how far the
    occurrences have been turned into jobs.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200)
    description = models.TextField(max_length=2_000, blank=True, default="")

    kind = models.CharField(max_length=32)
    payload = models.JSONField(default=dict, blank=True)
    priority = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(0), MaxValueValidator(10)]
    )
    max_attempts = models.PositiveSmallIntegerField(default=5)
    backoff = models.JSONField(null=True, blank=True)
    timeout = models.FloatField(default=60.0, help_text="Seconds one attempt may take.")
    tags = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    concurrency_key = models.CharField(max_length=200, blank=True, default="")
    concurrency_limit = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CONCURRENCY)],
        help_text="Goes with a concurrency key, and only with one.",
    )

    recurrence = models.JSONField(help_text="Canonical JSON of the recurrence.")
    # Calendars by id, without a foreign key each: read with the template, no join per calendar.
    avoid = ArrayField(models.UUIDField(), default=list, blank=True)
    keep_to = ArrayField(models.UUIDField(), default=list, blank=True)
    on_closed = models.CharField(
        max_length=24, choices=OnClosed.choices, default=OnClosed.SKIP.value
    )
    misfire = models.CharField(
        max_length=16, choices=Misfire.choices, default=Misfire.RUN_ONCE.value
    )
    misfire_grace = models.PositiveIntegerField(
        default=DEFAULT_GRACE,
        help_text="Seconds an occurrence may be late before it counts as missed.",
    )
    misfire_window = models.PositiveIntegerField(
        default=DEFAULT_WINDOW,
        help_text="Seconds after which a missed occurrence is no longer made up for.",
    )
    misfire_limit = models.PositiveIntegerField(
        default=DEFAULT_LIMIT, help_text="How many missed occurrences run_all makes up for."
    )
    overlap = models.CharField(max_length=16, choices=Overlap.choices, default=Overlap.ALLOW.value)

    active = models.BooleanField(default=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=200, blank=True, default="")
    pause_note = models.CharField(max_length=500, blank=True, default="")
    resume_at = models.DateTimeField(null=True, blank=True)

    # The expander's: every occurrence scheduled up to `expanded_to` has been dealt with.
    expanded_to = models.DateTimeField(null=True, editable=False)
    next_expansion_at = models.DateTimeField(null=True, editable=False)
    # What calendars moved: nominal moment -> occurrence_at of its job, both naive UTC. A plan that
    # replaces another knows by it which moment a job was made for.
    moved = models.JSONField(default=dict, editable=False)
    # The plan changed (a calendar, a window, the time zones): plan again from now on.
    replan = models.BooleanField(default=False, editable=False)
    expanded_with = models.CharField(max_length=64, blank=True, default="", editable=False)
    expansion_failures = models.PositiveSmallIntegerField(default=0, editable=False)
    set_aside_at = models.DateTimeField(null=True, editable=False)
    set_aside_reason = models.CharField(max_length=500, blank=True, default="", editable=False)

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="template_numbers_in_range",
                condition=Q(priority__range=(0, 10), max_attempts__range=(1, 100), timeout__gt=0),
            ),
            models.CheckConstraint(
                name="template_key_has_limit",
                condition=Q(concurrency_key="", concurrency_limit__isnull=True)
                | (~Q(concurrency_key="") & Q(concurrency_limit__gte=1)),
            ),
            models.CheckConstraint(
                name="template_expands_only_when_active",
                condition=Q(next_expansion_at__isnull=True)
                | Q(active=True, set_aside_at__isnull=True),
            ),
            models.CheckConstraint(
                name="template_resumes_only_from_pause",
                condition=Q(resume_at__isnull=True) | Q(paused_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="template_merchant_newest"),
            # The expander: what is due, and nothing else.
            models.Index(
                fields=["next_expansion_at"],
                name="template_due",
                condition=Q(next_expansion_at__isnull=False),
            ),
            GinIndex(fields=["avoid"], name="template_avoids", condition=~Q(avoid=[])),
            GinIndex(fields=["keep_to"], name="template_keeps_to", condition=~Q(keep_to=[])),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """One word for people: active, paused, inactive, set aside or ended."""
        if not self.active:
            return "inactive"
        if self.set_aside_at is not None:
            return "set_aside"
        if self.paused_at is not None:
            return "paused"
        return "active" if self.next_expansion_at is not None else "ended"
