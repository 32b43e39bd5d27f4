"""The verbs of templates: buttons of a template's page, and actions for the chosen ones of a list."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.enums import ActionVariant

from jobs.admin.made_by_members import deleting
from jobs.admin.steering import asked_first, by
from templates_app.admin.pages import SchedulePages
from templates_app.admin.template_dialogs import (
    BACKFILL,
    DELETE,
    PAUSE,
    RESUME,
    RUN_NOW,
    BackfillForm,
    ConfirmTemplate,
    PauseForm,
)
from templates_app.models import Template
from templates_app.operations.running import Backfilled, run_now
from templates_app.operations.templates import delete_template, pause_template, resume_template

ALWAYS = {"run_now", "backfill", "remove"}
# Which buttons a page shows besides; the operations decide again when one is pressed.
OFFERED = {
    "active": {"pause"},
    "ended": {"pause"},
    "paused": {"pause", "resume"},
    "set_aside": {"resume"},
    "inactive": set[str](),
}


class TemplateActions(SchedulePages):
    """The verbs of the API, for people."""

    actions = ("pause_chosen", "resume_chosen", "run_chosen_now")
    actions_detail = ("run_now", "pause", "resume", "backfill", "remove")

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        return button in ALWAYS | OFFERED[row.state]

    @asked_first(RUN_NOW, button="Run now", path="run_now", variant=ActionVariant.PRIMARY)
    def run_now(self, request: HttpRequest, form: ConfirmTemplate, object_id: str) -> HttpResponse:
        return self.steer_page(
            request,
            form.template,
            lambda row, now: run_now(row, now=now, by=by(request)),
            said="A job of the template is due now.",
            logged="Run now.",
        )

    @asked_first(PAUSE, button="Pause", path="pause", variant=ActionVariant.DEFAULT)
    def pause(self, request: HttpRequest, form: PauseForm, object_id: str) -> HttpResponse:
        note = form.result.pause_note
        return self.done_on_page(
            request,
            form.template,
            said="The template is paused.",
            logged=f"Paused: {note}" if note else "Paused.",
        )

    @asked_first(RESUME, button="Resume", path="resume", variant=ActionVariant.PRIMARY)
    def resume(self, request: HttpRequest, form: ConfirmTemplate, object_id: str) -> HttpResponse:
        return self.steer_page(
            request,
            form.template,
            lambda row, now: resume_template(row, now=now, by=by(request)),
            said="The template goes on.",
            logged="Resumed.",
        )

    @asked_first(BACKFILL, button="Backfill", path="backfill", variant=ActionVariant.DEFAULT)
    def backfill(self, request: HttpRequest, form: BackfillForm, object_id: str) -> HttpResponse:
        words = f"{form.cleaned_data['start']:%F %T} to {form.cleaned_data['end']:%F %T} UTC"
        return self.done_on_page(
            request, form.template, said=told(form.result), logged=f"Backfilled {words}."
        )

    @deleting(DELETE)
    def remove(self, request: HttpRequest, form: ConfirmTemplate, object_id: str) -> HttpResponse:
        return self.delete_row(
            request,
            form.template,
            lambda row, now: delete_template(row, now=now, by=by(request)),
        )

    @admin.action(description="Pause the chosen templates", permissions=["steer"])
    def pause_chosen(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        self.steer_chosen(
            request,
            queryset,
            lambda row, now: pause_template(row, {}, now=now, by=by(request)),
            said="paused",
            logged="Paused.",
        )

    @admin.action(description="Resume the chosen templates", permissions=["steer"])
    def resume_chosen(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        self.steer_chosen(
            request,
            queryset,
            lambda row, now: resume_template(row, now=now, by=by(request)),
            said="going on",
            logged="Resumed.",
        )

    @admin.action(description="Run the chosen templates now", permissions=["steer"])
    def run_chosen_now(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        self.steer_chosen(
            request,
            queryset,
            lambda row, now: run_now(row, now=now, by=by(request)),
            said="with a job that is due now",
            logged="Run now.",
        )


def told(done: Backfilled) -> str:
    """Return what a backfill came to, for people."""
    parts = [_counted(done.created + done.restarted, "run is on its way", "runs are on their way")]
    if done.existing:
        parts.append(_counted(done.existing, "has a job already", "have a job already"))
    if done.not_planned:
        rest = "on a closed time or a clock change"
        parts.append(_counted(done.not_planned, f"falls {rest}", f"fall {rest}"))
    return f"{'; '.join(parts)}."


def _counted(number: int, one: str, many: str) -> str:
    if number == 0:
        return f"No {one}"
    return f"{number:,} {one if number == 1 else many}"
