"""Jobs: the list, and the page of one job with its attempts. What changes is changed by actions."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from jobs.admin import display as show
from jobs.admin.executions import attempt_rows, worker_name, worker_names
from jobs.admin.filters import CreatedFilter, KindFilter, StatusFilter, WhoseFilter
from jobs.admin.history import sees_several_merchants
from jobs.admin.job_actions import JobActions
from jobs.admin.job_sections import flow_rule_of, silent_fields, without
from jobs.backoff import Backoff
from jobs.masking import masked
from jobs.models import AnyJob, Job
from jobs.states import FINAL, JobStatus
from jobs.waiting_reason import waiting_reason
from tenants.clock import database_now


@admin.register(Job)
class JobAdmin(JobActions):
    """Read-only: a job is changed by its verbs, never by typing into its row."""

    list_display = ("title", "work", "shown_status", "due", "spent", "created")
    list_filter = (StatusFilter, KindFilter, WhoseFilter, ("created_at", CreatedFilter))
    lookups = (
        "status",
        "kind",
        "whose",
        # The link on a template's page.
        "template_id",
        "created_at_from_0",
        "created_at_from_1",
        "created_at_to_0",
        "created_at_to_1",
    )
    heavy_fields = ("payload", "metadata", "backoff")
    text_columns = ("name",)
    search_help_text = "Search by id or name"
    change_form_outer_after_template = "jobs/admin/attempts.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_status", "work"),
                    "reason",
                    "flow_rule",
                    "breaker",
                    "condition",
                    "skipped_because",
                    ("shown_progress", "worker"),
                    ("attempts", "priority"),
                    ("merchant", "name"),
                    "shown_id",
                )
            },
        ),
        (
            "Times (UTC)",
            {
                "fields": (
                    ("created", "asked_for"),
                    ("due", "deadline"),
                    ("started", "finalized"),
                    "stop_requested",
                )
            },
        ),
        (
            "Occurrence of a template",
            {
                "fields": (
                    ("template_id", "origin"),
                    ("occurrence", "overlap"),
                    "occurrence_note",
                )
            },
        ),
        (
            "Payload, labels and limits",
            {
                "fields": (
                    "shown_payload",
                    "shown_tags",
                    "shown_metadata",
                    ("shown_timeout", "shown_backoff"),
                    "shown_unique",
                    "shown_concurrency",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.deferring(request, self.visible(request, AnyJob.objects.all()))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return super().has_view_permission(request)
        return bool(self.visible(request, AnyJob.objects.filter(pk=obj.pk)).exists())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = set() if sees_several_merchants(request) else {"merchant"}
        if obj is not None:
            hidden |= silent_fields(obj, request.user)
        sections = [
            (title, {**options, "fields": without(hidden, options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]
        return [section for section in sections if section[1]["fields"]]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        attempts, older = attempt_rows(row)
        return {"attempts": attempts, "older_attempts": older}

    @admin.display(description="Job")
    def title(self, job: Job) -> str:
        return job.name or str(job.pk)

    @admin.display(description="Id")
    def shown_id(self, job: Job) -> str:
        return format_html('<span class="font-mono">{}</span>', job.pk)

    @admin.display(description="Kind")
    def work(self, job: Job) -> str:
        return f"{job.kind} {job.handler}".strip()

    @admin.display(description="Status")
    def shown_status(self, job: Job) -> str:
        stopping = job.status == JobStatus.RUNNING and job.cancel_requested_at is not None
        return show.badge("stopping" if stopping else job.status, show.STATUS_COLOURS[job.status])

    @admin.display(description="Why it waits")
    def reason(self, job: Job) -> str:
        return waiting_reason(job, now=database_now()) or "-"

    @admin.display(description="Flow rule")
    def flow_rule(self, job: Job) -> str:
        rule = flow_rule_of(job)
        address = reverse("admin:jobs_flow_change", args=[job.parked_by])
        return format_html('<a class="text-link" href="{}">{}</a>', address, rule or "deleted")

    @admin.display(description="Breaker")
    def breaker(self, job: Job) -> str:
        address = reverse("admin:jobs_breaker_change", args=[job.parked_by])
        return format_html('<a class="text-link" href="{}">{}</a>', address, job.handler)

    @admin.display(description="Why it was not run")
    def skipped_because(self, job: Job) -> str:
        return job.skip_reason

    @admin.display(description="Occurrence (UTC)")
    def occurrence(self, job: Job) -> str:
        return show.moment(job.occurrence_at)

    @admin.display(description="Unique key")
    def shown_unique(self, job: Job) -> str:
        return f"{job.unique_key} ({job.unique_scope})"

    @admin.display(description="Concurrency key")
    def shown_concurrency(self, job: Job) -> str:
        return f"{job.concurrency_key} ({job.concurrency_limit:,} at once)"

    @admin.display(description="Progress")
    def shown_progress(self, job: Job) -> str:
        if job.progress is None:
            return "-"
        return f"{job.progress} % {job.progress_note}".strip()

    @admin.display(description="Attempts")
    def spent(self, job: Job) -> str:
        return f"{job.attempt - job.earlier_attempts} of {job.max_attempts}"

    @admin.display(description="Attempts")
    def attempts(self, job: Job) -> str:
        before = (
            f", and {job.earlier_attempts} before the last retry" if job.earlier_attempts else ""
        )
        lost = f", {job.lost_count} lost with their worker" if job.lost_count else ""
        return f"{self.spent(job)}{before}{lost}"

    @admin.display(description="Timeout of an attempt")
    def shown_timeout(self, job: Job) -> str:
        return f"{job.timeout:g} s"

    @admin.display(description="Backoff")
    def shown_backoff(self, job: Job) -> str:
        policy = Backoff.from_stored(job.backoff)
        if policy.strategy == "fixed":
            words = f"fixed, {policy.base:g} s"
        else:
            words = f"{policy.strategy} from {policy.base:g} s to at most {policy.cap:g} s"
        factor = f", factor {policy.factor:g}" if policy.strategy == "exponential" else ""
        return f"{words}{factor}, jitter {policy.jitter:g}"

    @admin.display(description="Worker")
    def worker(self, job: Job) -> str:
        return worker_name(job.worker_id, worker_names([job.worker_id]))

    @admin.display(description="Due (UTC)")
    def due(self, job: Job) -> str:
        return show.moment_in_list(job.scheduled_at)

    @admin.display(description="Created (UTC)")
    def created(self, job: Job) -> str:
        return show.moment_in_list(job.created_at)

    @admin.display(description="Asked to run")
    def asked_for(self, job: Job) -> str:
        return show.moment(job.run_at)

    @admin.display(description="Deadline")
    def deadline(self, job: Job) -> str:
        return show.moment(job.expires_at)

    @admin.display(description="Last started")
    def started(self, job: Job) -> str:
        return show.moment(job.started_at)

    @admin.display(description="Asked to stop")
    def stop_requested(self, job: Job) -> str:
        return show.moment(job.cancel_requested_at)

    @admin.display(description="Ended")
    def finalized(self, job: Job) -> str:
        return show.moment(job.finalized_at) if job.status in FINAL else "-"

    @admin.display(description="Payload")
    def shown_payload(self, job: Job) -> str:
        return show.json_block(dict(masked(job.kind, job.payload)))

    @admin.display(description="Tags")
    def shown_tags(self, job: Job) -> str:
        return ", ".join(job.tags) or "-"

    @admin.display(description="Metadata")
    def shown_metadata(self, job: Job) -> str:
        return show.json_block(job.metadata)
