"""Executions: the finished attempts, as a list of their own and as the table on a job's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from jobs.admin import display as show
from jobs.admin.filters import CreatedFilter, OutcomeFilter
from jobs.admin.history import HistoryAdmin
from jobs.models import Execution, Job, Worker

SHOWN_ATTEMPTS = 20
SHOWN_OUTPUT = 4_000
SHOWN_LINES = 200


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    """One attempt as the job's page shows it; all text is plain and still to be escaped."""

    execution: Execution
    colour: str
    outcome: str
    scheduled: str
    queued: str
    started: str
    finished: str
    took: str
    worker: str
    error: str
    output: str
    log: str


def attempt_rows(job: Job) -> tuple[list[AttemptRow], bool]:
    """Return the job's newest attempts, and whether there are older ones."""
    newest = Execution.objects.filter(job_id=job.pk).order_by("-number", "-id")
    found = list(newest[: SHOWN_ATTEMPTS + 1])
    shown = found[:SHOWN_ATTEMPTS]
    names = worker_names([execution.worker_id for execution in shown])
    return [_row(execution, names) for execution in shown], len(found) > SHOWN_ATTEMPTS


def worker_names(ids: Sequence[UUID | None]) -> dict[UUID, str]:
    """Return the names of workers by id; workers whose row is gone are left out."""
    wanted = {worker_id for worker_id in ids if worker_id}
    return dict(Worker.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def worker_name(worker_id: UUID | None, names: dict[UUID, str]) -> str:
    """Return a worker's name, or its id when nobody remembers the name."""
    return names.get(worker_id, str(worker_id)) if worker_id else "-"


def preview(text: str) -> str:
    """Return the beginning of a text, saying so when something was left out."""
    if len(text) <= SHOWN_OUTPUT:
        return text
    return f"{text[:SHOWN_OUTPUT]}\n… {len(text) - SHOWN_OUTPUT} more characters"


def log_text(lines: list[Any]) -> str:
    """Return the kept log lines as one text, the first ones only when there are many."""
    shown = [str(line) for line in lines[:SHOWN_LINES]]
    if len(lines) > SHOWN_LINES:
        shown.append(f"… {len(lines) - SHOWN_LINES} more lines")
    return preview("\n".join(shown))


def _row(execution: Execution, names: dict[UUID, str]) -> AttemptRow:
    return AttemptRow(
        execution=execution,
        colour=show.OUTCOME_COLOURS.get(execution.outcome, "default"),
        outcome=execution.outcome.replace("_", " "),
        scheduled=show.moment(execution.scheduled_at),
        queued=show.moment(execution.queued_at),
        started=show.moment(execution.started_at),
        finished=show.moment(execution.finished_at),
        took=show.duration(execution.finished_at - execution.started_at),
        worker=worker_name(execution.worker_id, names),
        error=preview(": ".join(filter(None, (execution.error_code, execution.error_message)))),
        output=_output_text(execution),
        log=log_text(execution.log),
    )


def _output_text(execution: Execution) -> str:
    if execution.output is None:
        return ""
    return preview(show.pretty(execution.output))


@admin.register(Execution)
class ExecutionAdmin(HistoryAdmin):
    """Attempts that have ended; written once, never changed."""

    list_display = ("attempt", "shown_outcome", "http_status", "error_code", "started", "took")
    list_filter = (OutcomeFilter, ("finished_at", CreatedFilter))
    lookups = (
        "outcome",
        "finished_at_from_0",
        "finished_at_from_1",
        "finished_at_to_0",
        "finished_at_to_1",
    )
    heavy_fields = ("output", "log", "error_detail", "error_message")
    id_columns = ("id", "job_id")
    search_help_text = "Search by the job's id or the execution's"
    fieldsets = (
        (
            None,
            {"fields": ("job_link", "number", "shown_outcome", "http_status", "error", "worker")},
        ),
        ("Times (UTC)", {"fields": ("scheduled", "queued", "started", "finished", "took")}),
        ("Output and log", {"fields": ("shown_output", "shown_log", "shown_detail")}),
    )

    @admin.display(description="Attempt")
    def attempt(self, execution: Execution) -> str:
        return f"{execution.job_id} #{execution.number}"

    @admin.display(description="Job")
    def job_link(self, execution: Execution) -> str:
        # Not checked by the database: the job may be gone before its executions are.
        address = reverse(f"{self.admin_site.name}:jobs_job_change", args=[execution.job_id])
        return format_html('<a class="text-link" href="{}">{}</a>', address, execution.job_id)

    @admin.display(description="Outcome")
    def shown_outcome(self, execution: Execution) -> str:
        words = execution.outcome.replace("_", " ")
        return show.badge(words, show.OUTCOME_COLOURS.get(execution.outcome, "default"))

    @admin.display(description="Error")
    def error(self, execution: Execution) -> str:
        return ": ".join(filter(None, (execution.error_code, execution.error_message))) or "-"

    @admin.display(description="Worker")
    def worker(self, execution: Execution) -> str:
        return worker_name(execution.worker_id, worker_names([execution.worker_id]))

    @admin.display(description="Scheduled")
    def scheduled(self, execution: Execution) -> str:
        return show.moment(execution.scheduled_at)

    @admin.display(description="Queued")
    def queued(self, execution: Execution) -> str:
        return show.moment(execution.queued_at)

    @admin.display(description="Started (UTC)")
    def started(self, execution: Execution) -> str:
        return show.moment_in_list(execution.started_at)

    @admin.display(description="Finished")
    def finished(self, execution: Execution) -> str:
        return show.moment(execution.finished_at)

    @admin.display(description="Took")
    def took(self, execution: Execution) -> str:
        return show.duration(execution.finished_at - execution.started_at)

    @admin.display(description="Output")
    def shown_output(self, execution: Execution) -> str:
        return show.json_block(execution.output)

    @admin.display(description="Log")
    def shown_log(self, execution: Execution) -> str:
        return show.text_block("\n".join(map(str, execution.log))) if execution.log else "-"

    @admin.display(description="Error in detail")
    def shown_detail(self, execution: Execution) -> str:
        return show.text_block(execution.error_detail) if execution.error_detail else "-"
