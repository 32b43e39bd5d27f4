"""Maintenance windows: the list, and the page of one."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import ActionDialog
from unfold.forms import BaseDialogForm

from jobs.admin import display as show
from jobs.admin.filters import ChoiceFilter
from jobs.admin.made_by_members import changes_of, deleting
from jobs.admin.steering import by, seen_or_404
from templates_app.admin.shared import SharedPages
from templates_app.admin.window_form import WindowForm
from templates_app.models import MaintenanceWindow
from templates_app.operations.windows import delete_window
from templates_app.recurrence.describe import sentence
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse


class ModeFilter(ChoiceFilter):
    title = "mode"
    parameter_name = "mode"
    options = [(mode.value, str(mode.label).capitalize()) for mode in MaintenanceWindow.Mode]


class ConfirmWindow(BaseDialogForm):
    """Asks about one window; one that the person may not change is answered as a missing one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = MaintenanceWindow.objects.visible_to(self.request.user).select_related("merchant")
        self.window: MaintenanceWindow = seen_or_404(own, self.object_id)


DELETE = ActionDialog(
    title="Delete this maintenance window?",
    description="What it holds back or skips from now on runs as planned.",
    form_class=ConfirmWindow,
    form_submit_text="Delete the window",
)
SHOWN = ("name", "owner", "shown_mode", "when", "release_over")


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(SharedPages):
    """Times in which occurrences are skipped or held back."""

    form = WindowForm
    autocomplete_fields = ("merchant", "template")
    actions_detail = ("remove",)
    list_display = ("name", "owner", "when", "shown_mode")
    list_filter = (ModeFilter,)
    lookups = ("mode",)
    text_columns = ("name",)
    search_help_text = "Search by id or name"
    change_form_outer_after_template = "templates_app/admin/window_story.html"
    fieldsets = (
        (None, {"fields": ("merchant", "template", "name", "mode")}),
        ("Once", {"fields": ("starts_at", "ends_at")}),
        ("Or again and again", {"fields": ("recurrence", "duration")}),
        ("Afterwards", {"fields": ("release_over",)}),
    )

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        return ["merchant", "template"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return ((None, {"fields": SHOWN}),)
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return SHOWN
        return super().get_readonly_fields(request, obj)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            "window": row,
            # Who may not change it reads that above already.
            "when": self.when(row) if self.has_change_permission(request, row) else "",
            "changes": changes_of(row),
        }

    @deleting(DELETE)
    def remove(self, request: HttpRequest, form: ConfirmWindow, object_id: str) -> HttpResponse:
        return self.delete_row(
            request, form.window, lambda row, now: delete_window(row, now=now, by=by(request))
        )

    @admin.display(description="Concerns")
    def owner(self, window: MaintenanceWindow) -> str:
        if window.template is not None:
            return f"the template “{window.template}”"
        return f"all of {window.merchant}" if window.merchant else "everybody"

    @admin.display(description="Mode")
    def shown_mode(self, window: MaintenanceWindow) -> str:
        holds = window.mode == MaintenanceWindow.Mode.HOLD
        return show.badge("holds back" if holds else "skips", "info" if holds else "warning")

    @admin.display(description="When")
    def when(self, window: MaintenanceWindow) -> str:
        if window.recurrence is None:
            return f"{show.moment(window.starts_at)} to {show.moment(window.ends_at)} (UTC)"
        try:
            document = parse(window.recurrence, seed=str(window.pk)).document
        except RecurrenceError as error:
            return f"unreadable: {error.message}"
        return f"{sentence(document)}; each lasts {_lasting(window.duration or 0)}"


def _lasting(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
