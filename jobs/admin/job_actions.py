"""Cancel, retry and run now: on a job's page after a question, on the list for the chosen ones."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant

from jobs.admin.steered import SteeredAdmin
from jobs.admin.steering import ConfirmJob, asked_first, by
from jobs.models import Job
from jobs.operations import steer
from jobs.states import EDITABLE, RESTARTABLE, WAITING, JobStatus

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


class JobActions(SteeredAdmin):
    """The verbs of the API, for people."""

    actions = ("cancel_chosen", "retry_chosen", "run_chosen_now")
    actions_detail = ("run_now", "retry", "cancel")

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        return row.status in OFFERED[button]

    @asked_first(CANCEL, button="Cancel", path="cancel", variant=ActionVariant.DANGER)
    def cancel(self, request: HttpRequest, form: ConfirmJob, object_id: str) -> HttpResponse:
        said = (
            "The job was asked to stop."
            if form.job.status == JobStatus.RUNNING
            else "The job is cancelled."
        )
        stop = partial(steer.cancel, by=by(request))
        return self.steer_page(request, form.job, stop, said=said, logged="Cancelled.")

    @asked_first(RETRY, button="Retry", path="retry", variant=ActionVariant.PRIMARY)
    def retry(self, request: HttpRequest, form: ConfirmJob, object_id: str) -> HttpResponse:
        restart = partial(steer.retry, by=by(request))
        return self.steer_page(
            request, form.job, restart, said="The job runs again.", logged="Retried."
        )

    @asked_first(RUN_NOW, button="Run now", path="run_now", variant=ActionVariant.PRIMARY)
    def run_now(self, request: HttpRequest, form: ConfirmJob, object_id: str) -> HttpResponse:
        return self.steer_page(
            request,
            form.job,
            partial(steer.run_now, by=by(request)),
            said="The job is due now.",
            logged="Made due at once.",
        )

    @admin.action(description="Cancel the chosen jobs", permissions=["steer"])
    def cancel_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        said = "cancelled, or asked to stop"
        stop = partial(steer.cancel, by=by(request))
        self.steer_chosen(request, queryset, stop, said=said, logged="Cancelled.")

    @admin.action(description="Retry the chosen jobs", permissions=["steer"])
    def retry_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        restart = partial(steer.retry, by=by(request))
        self.steer_chosen(request, queryset, restart, said="running again", logged="Retried.")

    @admin.action(description="Run the chosen jobs now", permissions=["steer"])
    def run_chosen_now(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        advance = partial(steer.run_now, by=by(request))
        self.steer_chosen(request, queryset, advance, said="due now", logged="Made due at once.")
