"""Redrives: the list, the form that begins one, and the page that says how far one is."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant

from jobs.admin import display as show
from jobs.admin.history import sees_several_merchants
from jobs.admin.made_by_members import MadeByMembers, changes_of
from jobs.admin.redrive_form import (
    CONDITIONS,
    REFUSALS,
    ConfirmRedrive,
    RedriveForm,
    StopForm,
)
from jobs.admin.steering import asked_first, by
from jobs.masking import masked
from jobs.models import Redrive, RedriveItem
from jobs.operations import redrives
from jobs.redrive_stages import RedriveState, Stage

COLOURS = {"running": "info", "stopped": "warning", "done": "success"}
STAGE_WORDS = {
    Stage.CANARY: "one job goes first",
    Stage.TENTH: "a tenth goes",
    Stage.REST: "all go",
}
SHOWN_ITEMS = 50

STOP = ActionDialog(
    title="Stop this redrive?",
    description="No more jobs go. Those that go already end as they do.",
    form_class=StopForm,
    form_submit_text="Stop",
)
RESUME = ActionDialog(
    title="Resume this redrive?",
    description="It goes on where it stopped. A first job that failed is followed by another one.",
    form_class=ConfirmRedrive,
    form_submit_text="Resume",
)


@admin.register(Redrive)
class RedriveAdmin(MadeByMembers):
    """Whoever sees dead letters may redrive many; nobody types into a redrive."""

    form = RedriveForm
    refusals = REFUSALS
    actions_detail = ("stop", "resume")
    list_display = ("begun", "shown_state", "progress", "created_by")
    change_form_outer_after_template = "jobs/admin/redrive_story.html"
    fieldsets = (
        (None, {"fields": ("merchant",)}),
        ("Which dead letters: all conditions hold at once", {"fields": CONDITIONS}),
        ("How", {"fields": ("rate", "patch", "looked")}),
    )
    _told = (
        "merchant",
        "shown_state",
        "why_stopped",
        "progress",
        "outcomes",
        "which",
        "shown_rate",
        "shown_patch",
        "begun",
        "created_by",
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        several = sees_several_merchants(request)
        return [(None, {"fields": tuple(f for f in self._told if f != "merchant" or several)})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return self._told if obj is not None else ()

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        wanted = RedriveState.RUNNING if button == "stop" else RedriveState.STOPPED
        return bool(row.state == wanted)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        unlucky = RedriveItem.objects.filter(redrive=row, state__in=("failed", "left_out"))
        return {
            "redrive": row,
            "unlucky": unlucky.order_by("position")[:SHOWN_ITEMS],
            "changes": changes_of(row),
        }

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        context["looked_at"] = getattr(form, "dry_run", None)
        context["show_save_and_add_another"] = context["show_save_and_continue"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    @asked_first(STOP, button="Stop", path="stop", variant=ActionVariant.DANGER)
    def stop(self, request: HttpRequest, form: StopForm, object_id: str) -> HttpResponse:
        body = {"reason": " ".join(form.cleaned_data["reason"].split())}
        return self.steer_page(
            request,
            form.redrive,
            lambda row, now: redrives.stop(row, body, now=now, by=by(request)),
            said="The redrive stops.",
            logged="Stopped.",
        )

    @asked_first(RESUME, button="Resume", path="resume", variant=ActionVariant.PRIMARY)
    def resume(self, request: HttpRequest, form: ConfirmRedrive, object_id: str) -> HttpResponse:
        return self.steer_page(
            request,
            form.redrive,
            lambda row, now: redrives.resume(row, by=by(request)),
            said="The redrive goes on.",
            logged="Resumed.",
        )

    @admin.display(description="Begun (UTC)")
    def begun(self, redrive: Redrive) -> str:
        return show.moment_in_list(redrive.created_at)

    @admin.display(description="State")
    def shown_state(self, redrive: Redrive) -> str:
        words = redrive.state
        if redrive.state == RedriveState.RUNNING:
            words = f"running: {STAGE_WORDS[Stage(redrive.stage)]}"
        return show.badge(words, COLOURS[redrive.state])

    @admin.display(description="Progress")
    def progress(self, redrive: Redrive) -> str:
        tally = redrive.tally
        ended = tally.redriven - tally.going
        return f"{ended + tally.left_out:,} of {tally.total:,}, {tally.left:,} left"

    @admin.display(description="Jobs")
    def outcomes(self, redrive: Redrive) -> str:
        tally = redrive.tally
        return (
            f"{tally.redriven:,} redriven: {tally.succeeded:,} succeeded, {tally.failed:,} failed, "
            f"{tally.cancelled:,} cancelled, {tally.going:,} under way; {tally.left_out:,} left out"
        )

    @admin.display(description="Why it stopped")
    def why_stopped(self, redrive: Redrive) -> str:
        if not redrive.stopped_at:
            return "-"
        return f"{redrive.stop_reason or 'No reason given'} ({redrive.stopped_by})"

    @admin.display(description="Dead letters")
    def which(self, redrive: Redrive) -> str:
        return show.json_block(redrive.chosen_by)

    @admin.display(description="Rate")
    def shown_rate(self, redrive: Redrive) -> str:
        return f"{redrive.rate:g} jobs per second at most"

    @admin.display(description="Change of the payloads")
    def shown_patch(self, redrive: Redrive) -> str:
        return (
            "-" if redrive.patch is None else show.json_block(dict(masked("http", redrive.patch)))
        )
