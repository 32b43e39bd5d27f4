"""Calendars: the list, and the page of one with what uses it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from unfold.dataclasses import ActionDialog
from unfold.forms import BaseDialogForm

from jobs.admin import display as show
from jobs.admin.made_by_members import changes_of, deleting
from jobs.admin.steering import by, seen_or_404
from templates_app.admin.calendar_form import CalendarForm
from templates_app.admin.shared import SharedPages, visible_calendars
from templates_app.calendars.parse import parse_definition
from templates_app.calendars.wording import phrase
from templates_app.models import Calendar, Template
from templates_app.operations.calendars import delete_calendar
from templates_app.recurrence.errors import RecurrenceError

SHOWN_USERS = 20
OFFERED_AT_ONCE = 20


class ConfirmCalendar(BaseDialogForm):
    """Asks about one calendar; one that the person may not change is answered as a missing one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = Calendar.objects.visible_to(self.request.user).select_related("merchant")
        self.calendar: Calendar = seen_or_404(own, self.object_id)


DELETE = ActionDialog(
    title="Delete this calendar?",
    description="It must not be in use. This cannot be undone.",
    form_class=ConfirmCalendar,
    form_submit_text="Delete the calendar",
)


@admin.register(Calendar)
class CalendarAdmin(SharedPages):
    """Times that templates avoid or keep to."""

    form = CalendarForm
    actions_detail = ("remove",)
    list_display = ("name", "owner", "holds", "updated")
    text_columns = ("name",)
    heavy_fields = ("description",)
    search_help_text = "Search by id or name"
    change_form_outer_after_template = "templates_app/admin/calendar_story.html"
    fieldsets = (
        (None, {"fields": ("merchant", "name", "description", "definition", "ics", "includes")}),
    )
    shown = ((None, {"fields": ("name", "owner", "description", "holds", "shown_definition")}),)

    def get_urls(self) -> list[URLPattern]:
        choices = self.admin_site.admin_view(self.choices)
        return [
            path("choices/", choices, name="templates_app_calendar_choices"),
            *super().get_urls(),
        ]

    def choices(self, request: HttpRequest) -> HttpResponse:
        """Answer a picker's search: the first calendars whose name holds the term."""
        if not self.has_view_permission(request):
            return JsonResponse({"results": []}, status=403)
        found = visible_calendars(request.user).select_related("merchant").order_by("name", "pk")
        term = request.GET.get("term", "")
        if "\x00" in term:
            found = found.none()
        elif term:
            found = found.filter(name__icontains=term)
        return JsonResponse(
            {
                "results": [
                    {"id": str(row.pk), "text": f"{row.name} ({self.owner(row)})"}
                    for row in found[:OFFERED_AT_ONCE]
                ],
                "pagination": {"more": False},
            }
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return self.shown
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return self.shown[0][1]["fields"]
        return super().get_readonly_fields(request, obj)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        using = _using(row, request.user).order_by("-id").only("id", "name")
        found = list(using[: SHOWN_USERS + 1])
        return {
            "calendar": row,
            # Who may not change it reads that above already.
            "phrase": self.holds(row) if self.has_change_permission(request, row) else "",
            "users": found[:SHOWN_USERS],
            "more_users": len(found) > SHOWN_USERS,
            "changes": changes_of(row),
        }

    def save_model(self, request: HttpRequest, obj: Any, form: CalendarForm, change: bool) -> None:
        for caution in form.cautions:
            messages.warning(request, " ".join(filter(None, (caution.message, caution.hint))))

    @deleting(DELETE)
    def remove(self, request: HttpRequest, form: ConfirmCalendar, object_id: str) -> HttpResponse:
        return self.delete_row(
            request, form.calendar, lambda row, now: delete_calendar(row, by=by(request))
        )

    @admin.display(description="Belongs to")
    def owner(self, calendar: Calendar) -> str:
        return str(calendar.merchant) if calendar.merchant else "the platform"

    @admin.display(description="Holds")
    def holds(self, calendar: Calendar) -> str:
        parts = []
        try:
            if calendar.definition:
                parts.append(phrase(parse_definition(calendar.definition)))
        except RecurrenceError as error:
            parts.append(f"unreadable: {error.message}")
        if calendar.includes:
            many = len(calendar.includes)
            parts.append(f"{many} other calendar{'' if many == 1 else 's'}")
        return " and ".join(parts) or "-"

    @admin.display(description="Changed (UTC)")
    def updated(self, calendar: Calendar) -> str:
        return show.moment_in_list(calendar.updated_at)

    @admin.display(description="Definition")
    def shown_definition(self, calendar: Calendar) -> str:
        return show.json_block(calendar.definition)


def _using(calendar: Calendar, user: Any) -> QuerySet[Template]:
    """Return the templates that use a calendar, of those that the person may see."""
    # Indexes template_avoids and template_keeps_to are partial: each arm names its condition.
    avoiding = Q(avoid__contains=[calendar.pk]) & ~Q(avoid=[])
    keeping = Q(keep_to__contains=[calendar.pk]) & ~Q(keep_to=[])
    return Template.objects.visible_to(user).filter(avoiding | keeping)
