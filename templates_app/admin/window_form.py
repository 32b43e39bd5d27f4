"""The form of a maintenance window: once between two moments, or again and again."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest

from jobs.admin.made_by_members import only_merchant
from jobs.admin.steering import by
from templates_app.admin.fields import JsonField
from templates_app.admin.pages import ScheduleForm
from templates_app.models import MaintenanceWindow
from templates_app.operations.windows import create_window, edit_window
from tenants.clock import database_now

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[MaintenanceWindow]
else:
    _ModelForm = forms.ModelForm

DOCUMENT = ("name", "mode", "starts_at", "ends_at", "recurrence", "duration", "release_over")
MOMENTS = ("starts_at", "ends_at")
UNREADABLE = {
    "invalid_date": "Write the date as 2026-01-31.",
    "invalid_time": "Write the time as 14:30 or 14:30:00.",
}


class WindowForm(ScheduleForm, _ModelForm):
    """What is left empty is not there: a window has one sort of times."""

    request: HttpRequest
    places = {"template_id": "template"}

    recurrence = JsonField(
        rows=6,
        required=False,
        label="Opens",
        example='{"kind": "daily", "times": ["02:00"], "timezone": "Europe/Madrid"}',
        help_text="When it opens, as JSON in the shape of a template's schedule.",
    )

    class Meta:
        model = MaintenanceWindow
        fields = ("merchant", "template", *DOCUMENT)
        labels = {
            "starts_at": "Starts (UTC)",
            "ends_at": "Ends (UTC)",
            "duration": "Lasts (seconds)",
            "release_over": "Release over (seconds)",
        }
        help_texts = {
            "merchant": "Empty: the window is the platform's and concerns everybody.",
            "template": "Empty: the window concerns all templates.",
            "duration": "How long it stays open each time; at least 60.",
            "release_over": "What was held back is released evenly over this time. "
            "Empty: a quarter of the window.",
        }
        error_messages = dict.fromkeys(MOMENTS, UNREADABLE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in MOMENTS:
            if name in self.fields:
                # Two inputs, one label: each says what it is to those who do not see it.
                date, time = self.fields[name].widget.widgets
                date.attrs["aria-label"] = f"{self.fields[name].label}: date"
                time.attrs["aria-label"] = f"{self.fields[name].label}: time"

    def carry_out(self) -> MaintenanceWindow:
        now = database_now()
        document = self._document()
        if self.instance._state.adding:  # noqa: SLF001
            return create_window(document, merchant=self._merchant(), now=now, by=by(self.request))
        changed = {"template_id" if name == "template" else name for name in self.changed_data}
        changes = {name: value for name, value in document.items() if name in changed}
        return (
            edit_window(self.instance, changes, now=now, by=by(self.request))
            if changes
            else self.instance
        )

    def _document(self) -> dict[str, Any]:
        values = {name: self.cleaned_data[name] for name in DOCUMENT}
        for name in MOMENTS:
            values[name] = values[name].isoformat() if values[name] else None
        template = self.cleaned_data.get("template")
        return {**values, "template_id": str(template.pk) if template else None}

    def _merchant(self) -> Any:
        """Return the owner: the one named, the template's, or the platform for superusers."""
        template = self.cleaned_data.get("template")
        named = self.cleaned_data.get("merchant") or only_merchant(self.request)
        return named or (template.merchant if template else None)
