"""The form of a template: what people type becomes the JSON that the operations take."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from jobs.admin.made_by_members import only_merchant
from jobs.admin.steering import by
from jobs.handlers.registry import kind_names
from jobs.masking import masked
from templates_app.admin.fields import CalendarsField, JsonField
from templates_app.admin.pages import ScheduleForm
from templates_app.admin.shared import visible_calendars
from templates_app.models import Template
from templates_app.operations.templates import create_template, edit_template
from tenants.clock import database_now
from tenants.models import Merchant

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Template]
else:
    _ModelForm = forms.ModelForm

DOCUMENT = (
    "name",
    "description",
    "active",
    "recurrence",
    "kind",
    "payload",
    "priority",
    "timeout",
    "max_attempts",
    "avoid",
    "keep_to",
    "on_closed",
    "misfire",
    "misfire_grace",
    "misfire_window",
    "misfire_limit",
    "overlap",
    "concurrency_key",
    "concurrency_limit",
)


EXAMPLE = """\
{
  "method": "POST",
  "url": "https://example.com/report",
  "json": {"day": "{{ occurrence | date('%Y-%m-%d') }}"}
}"""


class TemplateForm(ScheduleForm, _ModelForm):
    """Sends only what was changed, so that two people who edit different things do not collide."""

    request: HttpRequest
    kind = forms.ChoiceField(widget=UnfoldAdminSelectWidget, help_text="What sort of job it is.")
    recurrence = JsonField(
        rows=12,
        label="Schedule",
        help_text="When it happens, as JSON. Once saved, the page says it in words.",
    )
    payload = JsonField(
        rows=12,
        example=EXAMPLE,
        help_text="What each job is to do, as JSON. {{ occurrence }} and other placeholders are "
        "filled in for each run. A value shown as *** is kept as it is.",
    )
    avoid = CalendarsField(label="Avoids", help_text="Never within these calendars.")
    keep_to = CalendarsField(label="Keeps to", help_text="Only within these calendars.")

    class Meta:
        model = Template
        fields = ("merchant", *DOCUMENT)
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
        labels = {
            "on_closed": "On a closed time",
            "misfire": "After an outage",
            "timeout": "Timeout (seconds)",
            "misfire_grace": "Missed after (seconds)",
            "misfire_window": "Made up for within (seconds)",
            "misfire_limit": "Made up for at most",
            "overlap": "While the last one still runs",
            "max_attempts": "Attempts",
            "concurrency_limit": "At most at once",
        }
        help_texts = {
            "merchant": "Whose template it is.",
            "active": "Off: it makes no jobs until it is switched on again.",
            "timeout": "How long one attempt may take.",
            "priority": "From 0 to 10; the higher runs first.",
            "max_attempts": "How often a job is tried before it is given up.",
            "on_closed": "What happens to a run that falls on a time the calendars close.",
            "misfire": "What happens to runs that were missed while nothing worked.",
            "misfire_grace": "So late may a run be before it counts as missed.",
            "misfire_window": "What was missed longer ago is left out.",
            "misfire_limit": "How many missed runs, when all of them are to run.",
            "overlap": "What happens to a run that is due while the template's last one still runs.",
            "concurrency_key": "Jobs with the same key, of other templates and of producers as well, wait "
            "for one another. Empty: none.",
            "concurrency_limit": "How many jobs with the key are on their way at once; 1 if empty. "
            "Without a key it stays empty.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(name, name) for name in kind_names()]  # type: ignore[attr-defined]
        for name in ("avoid", "keep_to"):
            field = self.fields[name]
            assert isinstance(field, CalendarsField)
            field.show_only(visible_calendars(self.request.user))
        if self.instance._state.adding:  # noqa: SLF001
            self.initial.setdefault("recurrence", self._example())
        else:
            self.initial["payload"] = dict(masked(self.instance.kind, self.instance.payload))

    def carry_out(self) -> Template:
        if self.instance._state.adding:  # noqa: SLF001
            document = {name: self.cleaned_data[name] for name in DOCUMENT}
            return create_template(
                document, merchant=self._merchant(), now=database_now(), by=by(self.request)
            )
        changes = {name: self.cleaned_data[name] for name in DOCUMENT if name in self.changed_data}
        if not changes:
            return self.instance
        return edit_template(self.instance, changes, now=database_now(), by=by(self.request))

    def _merchant(self) -> Merchant:
        found = self.cleaned_data.get("merchant") or only_merchant(self.request)
        assert found is not None, "Whoever may add sees a merchant."
        return found

    def _example(self) -> dict[str, Any]:
        merchant = only_merchant(self.request)
        zone = merchant.time_zone if merchant else "UTC"
        return {"kind": "daily", "times": ["09:00"], "timezone": zone}
