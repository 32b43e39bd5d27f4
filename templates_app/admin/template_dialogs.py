"""What the buttons of a template's page ask before they do something."""

from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.dataclasses import ActionDialog
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from jobs.admin.steering import by, seen_or_404
from templates_app.admin.pages import ScheduleForm
from templates_app.models import Template
from templates_app.operations.running import OVERLAPS, Backfilled, backfill
from templates_app.operations.templates import MAX_NOTE, pause_template
from tenants.clock import database_now

OVERLAP_WORDS = {"one_at_a_time": "one after another", "allow": "beside one another"}


class ConfirmTemplate(BaseDialogForm):
    """Asks about one template; one of somebody else's is answered as a missing one."""

    # unfold's dialog shows the faults of fields only.
    form_before_template = "jobs/admin/dialog_faults.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visible = Template.objects.visible_to(self.request.user).select_related("merchant")
        self.template: Template = seen_or_404(visible, self.object_id)

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> Any:
        return {"errors": self.non_field_errors()}


class MomentField(forms.DateTimeField):
    """A moment in UTC, picked with the browser's own widget."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local", "step": "1"})
        widget.input_type = "datetime-local"
        super().__init__(widget=widget, **kwargs)


class PauseForm(ScheduleForm, ConfirmTemplate):
    """A note for colleagues, and perhaps when it goes on by itself."""

    note = forms.CharField(
        required=False,
        max_length=MAX_NOTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Why, for those who wonder later. May stay empty.",
    )
    resume_at = MomentField(
        required=False, label="Resume at (UTC)", help_text="Empty: until somebody resumes it."
    )

    def carry_out(self) -> Template:
        note = " ".join(self.cleaned_data["note"].split())
        data = {"note": note, "resume_at": _text(self.cleaned_data["resume_at"])}
        return pause_template(self.template, data, now=database_now(), by=by(self.request))


class BackfillForm(ScheduleForm, ConfirmTemplate):
    """Which past range, and how fast."""

    places = {"from": "start", "to": "end"}

    start = MomentField(label="From (UTC)", help_text="The first occurrence may be at this time.")
    end = MomentField(label="To (UTC)", help_text="The last occurrence may be at this time.")
    overlap = forms.ChoiceField(
        choices=[(name, OVERLAP_WORDS[name]) for name in reversed(OVERLAPS)],
        widget=UnfoldAdminSelectWidget,
        label="The runs go",
    )
    per_minute = forms.IntegerField(
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        label="At most so many a minute",
        help_text="Empty: all are due at once.",
    )

    def carry_out(self) -> Backfilled:
        chosen = self.cleaned_data
        data = {
            "from": _text(chosen["start"]),
            "to": _text(chosen["end"]),
            "overlap": chosen["overlap"],
            "per_minute": chosen["per_minute"] or 0,
        }
        return backfill(self.template, data, now=database_now(), by=by(self.request))


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


PAUSE = ActionDialog(
    title="Pause this template?",
    description="Its waiting runs are taken back. What falls into the pause is not made up for.",
    form_class=PauseForm,
    form_submit_text="Pause",
)
RESUME = ActionDialog(
    title="Resume this template?",
    description="It goes on from now. What fell into the pause is not made up for.",
    form_class=ConfirmTemplate,
    form_submit_text="Resume",
)
RUN_NOW = ActionDialog(
    title="Run this template now?",
    description="One more job, due at once, beside those of the schedule.",
    form_class=ConfirmTemplate,
    form_submit_text="Run now",
)
BACKFILL = ActionDialog(
    title="Run a past range?",
    description="Occurrences of the range that have no job yet, or whose job was skipped, run.",
    form_class=BackfillForm,
    form_submit_text="Backfill",
)
DELETE = ActionDialog(
    title="Delete this template?",
    description="Its waiting runs are cancelled, running ones finish, past jobs stay. "
    "This cannot be undone.",
    form_class=ConfirmTemplate,
    form_submit_text="Delete the template",
)
