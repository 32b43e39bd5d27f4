"""Templates: the list, and the page of one, where it is read, edited and steered."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html
from unfold.views import ChangeList

from jobs.admin import display as show
from jobs.admin.filters import KindFilter
from jobs.admin.made_by_members import changes_of
from templates_app.admin.filters import StateFilter
from templates_app.admin.overview import Overview, overview_of
from templates_app.admin.runs import Runs, runs_of
from templates_app.admin.template_actions import TemplateActions
from templates_app.admin.template_form import TemplateForm
from templates_app.models import Calendar, Template
from templates_app.recurrence.describe import sentence
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse
from tenants.clock import database_now

STATE_COLOURS = {
    "active": "success",
    "paused": "warning",
    "inactive": "default",
    "set_aside": "danger",
    "ended": "default",
}


class TemplateList(ChangeList):
    """A page of the list with what its rows need besides: two statements for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)  # type: ignore[has-type]
        runs = runs_of([row.pk for row in rows])
        names = _calendar_names(rows)
        for row in rows:
            row.runs = runs.get(row.pk, Runs())
            row.calendar_names = names
        self.result_list = rows


def _calendar_names(rows: list[Any]) -> Mapping[UUID, str]:
    wanted = {one for row in rows for one in (*row.avoid, *row.keep_to)}
    return dict(Calendar.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def _told(template: Template) -> Overview:
    return overview_of(template, now=database_now(), changes=changes_of(template))


@admin.register(Template)
class TemplateAdmin(TemplateActions):
    """What happens again and again."""

    form = TemplateForm
    list_display = ("name", "shown_state", "schedule", "next_run", "last_run", "kind")
    list_filter = (StateFilter, KindFilter)
    lookups = ("state", "kind")
    heavy_fields = ("payload", "metadata", "backoff", "description", "tags")
    text_columns = ("name",)
    search_help_text = "Search by id or name"
    change_form_outer_before_template = "templates_app/admin/schedule.html"
    change_form_outer_after_template = "templates_app/admin/template_story.html"
    fieldsets = (
        (None, {"fields": ("merchant", "name", "description", "active", "recurrence")}),
        (
            "What each job does",
            {
                "classes": ["tab"],
                "fields": ("kind", "payload", "priority", "timeout", "max_attempts"),
            },
        ),
        ("Calendars", {"classes": ["tab"], "fields": ("avoid", "keep_to", "on_closed")}),
        (
            "Missed and overlapping runs",
            {
                "classes": ["tab"],
                "fields": (
                    "misfire",
                    "misfire_grace",
                    "misfire_window",
                    "misfire_limit",
                    "overlap",
                    "concurrency_key",
                    "concurrency_limit",
                ),
            },
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TemplateList

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            # Also beside a form that was refused; whoever saves goes elsewhere and needs none.
            "told": SimpleLazyObject(lambda: _told(row)),
            "state_colour": STATE_COLOURS[row.state],
            "state_words": row.state.replace("_", " "),
        }

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Warn of a schedule that probably does not mean what was meant; the page does so itself."""
        if "_continue" in request.POST or (change and "recurrence" not in form.changed_data):
            return
        for caution in parse(obj.recurrence, seed=str(obj.pk)).cautions:
            messages.warning(request, " ".join(filter(None, (caution.message, caution.hint))))

    @admin.display(description="State")
    def shown_state(self, template: Template) -> str:
        return show.badge(template.state.replace("_", " "), STATE_COLOURS[template.state])

    @admin.display(description="Schedule")
    def schedule(self, template: Any) -> str:
        names = template.calendar_names
        try:
            return sentence(
                parse(template.recurrence, seed=str(template.pk)).document,
                [names[one] for one in template.avoid if one in names],
                [names[one] for one in template.keep_to if one in names],
                template.on_closed,
            )
        except RecurrenceError as error:
            return str(error)

    @admin.display(description="Next run (UTC)")
    def next_run(self, template: Any) -> str:
        if template.state == "paused" and template.resume_at is not None:
            return format_html(
                '<span class="whitespace-nowrap">resumes {}</span>', show.moment(template.resume_at)
            )
        return show.moment_in_list(template.runs.next_at)

    @admin.display(description="Last run (UTC)")
    def last_run(self, template: Any) -> str:
        runs: Runs = template.runs
        if runs.last_id is None:
            return "-"
        address = reverse(f"{self.admin_site.name}:jobs_job_change", args=[runs.last_id])
        badge = show.badge(runs.last_status, show.STATUS_COLOURS[runs.last_status])
        when = show.moment_in_list(runs.last_started_at)
        return format_html('<a href="{}">{} {}</a>', address, badge, when)
