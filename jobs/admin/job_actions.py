"""Cancel, retry and run now: on a job's page after a question, on the list for the chosen ones."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant

from jobs.admin.history import HistoryAdmin, as_uuid
from jobs.admin.steering import (
    ConfirmJob,
    asked_first,
    back_to,
    by,
    chosen,
    record,
    steer_each,
    steer_one,
)
from jobs.models import Job
from jobs.operations import steer
from jobs.states import EDITABLE, RESTARTABLE, WAITING, JobStatus
from tenants.clock import database_now

CANCELLABLE = (*EDITABLE, JobStatus.QUEUED, JobStatus.RUNNING)
# Which buttons a job's page shows; the operations decide again when one is pressed.
OFFERED = {"run_now": WAITING, "retry": RESTARTABLE, "cancel": CANCELLABLE}

CANCEL = ActionDialog(
    title="Cancel this job?",
    description="A job that waits will not run. A running one is asked to stop.",
    form_class=ConfirmJob,
    form_submit_text="Cancel the job",
)
RETRY = ActionDialog(
    title="Retry this job?",
    description="It gets a new round of attempts, starting now. Its history stays.",
    form_class=ConfirmJob,
    form_submit_text="Retry",
)
RUN_NOW = ActionDialog(
    title="Run this job now?",
    description="It becomes due at once instead of at its scheduled time.",
    form_class=ConfirmJob,
    form_submit_text="Run now",
)


class JobActions(HistoryAdmin):
    """The verbs of the API, for people."""

    actions = ("cancel_chosen", "retry_chosen", "run_chosen_now")
    actions_detail = ("run_now", "retry", "cancel")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        wanted = as_uuid(str(object_id))
        status = self.get_queryset(request).filter(pk=wanted).values_list("status", flat=True)
        offered = {verb for verb, takes in OFFERED.items() if wanted and status.first() in takes}
        buttons = super().get_actions_detail(request, object_id)
        return [button for button in buttons if button.path.removesuffix("/") in offered]

    @asked_first(CANCEL, button="Cancel", path="cancel", variant=ActionVariant.DANGER)
    def cancel(self, request: HttpRequest, form: ConfirmJob, object_id: str) -> HttpResponse:
        said = (
            "The job was asked to stop."
            if form.job.status == JobStatus.RUNNING
            else "The job is cancelled."
        )
        done = steer_one(
            request, form.job, lambda job: steer.cancel(job, now=database_now()), said=said
        )
        return self._back(request, form.job, done, "Cancelled.")

    @asked_first(RETRY, button="Retry", path="retry", variant=ActionVariant.PRIMARY)
    def retry(self, request: HttpRequest, form: ConfirmJob, object_id: str) -> HttpResponse:
        done = steer_one(
            request,
            form.job,
            lambda job: steer.retry(job, now=database_now(), by=by(request)),
            said="The job runs again.",
        )
        return self._back(request, form.job, done, "Retried.")

    @asked_first(RUN_NOW, button="Run now", path="run_now", variant=ActionVariant.PRIMARY)
    def run_now(self, request: HttpRequest, form: ConfirmJob, object_id: str) -> HttpResponse:
        done = steer_one(
            request,
            form.job,
            lambda job: steer.run_now(job, now=database_now()),
            said="The job is due now.",
        )
        return self._back(request, form.job, done, "Made due at once.")

    @admin.action(description="Cancel the chosen jobs", permissions=["steer"])
    def cancel_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        now = database_now()
        done = steer_each(
            request,
            chosen(request, queryset),
            lambda job: steer.cancel(job, now=now),
            said="cancelled, or asked to stop",
        )
        record(request, Job, done, "Cancelled.")

    @admin.action(description="Retry the chosen jobs", permissions=["steer"])
    def retry_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        now = database_now()
        done = steer_each(
            request,
            chosen(request, queryset),
            lambda job: steer.retry(job, now=now, by=by(request)),
            said="running again",
        )
        record(request, Job, done, "Retried.")

    @admin.action(description="Run the chosen jobs now", permissions=["steer"])
    def run_chosen_now(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        now = database_now()
        done = steer_each(
            request,
            chosen(request, queryset),
            lambda job: steer.run_now(job, now=now),
            said="due now",
        )
        record(request, Job, done, "Made due at once.")

    def _back(self, request: HttpRequest, job: Job, done: list[UUID], what: str) -> HttpResponse:
        record(request, Job, done, what)
        return back_to(request, reverse(f"{self.admin_site.name}:jobs_job_change", args=[job.pk]))
