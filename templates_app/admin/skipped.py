"""Occurrences that did not run: why, and what to do about those that were missed in an outage."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from jobs.admin import display as show
from jobs.admin.filters import CreatedFilter
from jobs.admin.refusals import refusal_in_words
from jobs.admin.steering import asked_first, by, seen_or_404
from jobs.operations.fields import InvalidFields
from templates_app.admin.filters import CauseFilter, ReviewFilter
from templates_app.admin.pages import SchedulePages
from templates_app.admin.refusals import REFUSALS
from templates_app.admin.template_actions import told
from templates_app.models import Cause, SkippedOccurrence
from templates_app.operations.review import REVIEWABLE, review
from tenants.clock import database_now

RESOLUTIONS = {"run_all": "run all", "run_last": "run the last one", "dismiss": "dismissed"}


class ConfirmSkipped(BaseDialogForm):
    """Asks about one row; one of somebody else's is answered as a missing one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visible = SkippedOccurrence.objects.visible_to(self.request.user)
        # The rest did not run because somebody wanted that.
        undecided = visible.filter(cause__in=REVIEWABLE).select_related("template", "merchant")
        self.row: SkippedOccurrence = seen_or_404(undecided, self.object_id)


RUN_ALL = ActionDialog(
    title="Run all that did not run?",
    description="One after another, starting now. What has a job already is left alone.",
    form_class=ConfirmSkipped,
    form_submit_text="Run all",
)
RUN_LAST = ActionDialog(
    title="Run the last one that did not run?",
    description="It starts now. The others are left out for good.",
    form_class=ConfirmSkipped,
    form_submit_text="Run the last one",
)
DISMISS = ActionDialog(
    title="Dismiss what did not run?",
    description="None of them runs. The row stays as a record.",
    form_class=ConfirmSkipped,
    form_submit_text="Dismiss",
)


@admin.register(SkippedOccurrence)
class SkippedOccurrenceAdmin(SchedulePages):
    """Rows instead of silence; written by the expander and the engine, decided about by people."""

    autocomplete_fields = ()
    actions = ("run_all_chosen", "run_last_chosen", "dismiss_chosen")
    actions_detail = ("run_all", "run_last", "dismiss")
    list_display = ("first", "template", "shown_cause", "occurrences", "reason", "decision")
    list_filter = (ReviewFilter, CauseFilter, ("created_at", CreatedFilter))
    lookups = (
        "template",
        "review",
        "cause",
        "created_at_from_0",
        "created_at_from_1",
        "created_at_to_0",
        "created_at_to_1",
    )
    id_columns = ("id", "template_id")
    search_help_text = "Search by the template's id or the row's"
    fieldsets = (
        (None, {"fields": ("template_link", "shown_cause", "reason")}),
        ("Occurrences (UTC)", {"fields": ("first", "last", "occurrences")}),
        ("What became of it", {"fields": ("decision", "resolved", "decided_by")}),
    )

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        return ["template", "merchant"]

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        if row.cause not in REVIEWABLE or row.resolved_at is not None:
            return False
        # The last of one is all of it.
        return button != "run_last" or row.occurrences != 1

    @asked_first(RUN_ALL, button="Run all", path="run_all", variant=ActionVariant.PRIMARY)
    def run_all(self, request: HttpRequest, form: ConfirmSkipped, object_id: str) -> HttpResponse:
        return self._decide(request, form.row, "run_all")

    @asked_first(RUN_LAST, button="Run the last", path="run_last", variant=ActionVariant.DEFAULT)
    def run_last(self, request: HttpRequest, form: ConfirmSkipped, object_id: str) -> HttpResponse:
        return self._decide(request, form.row, "run_last")

    @asked_first(DISMISS, button="Dismiss", path="dismiss", variant=ActionVariant.DANGER)
    def dismiss(self, request: HttpRequest, form: ConfirmSkipped, object_id: str) -> HttpResponse:
        return self._decide(request, form.row, "dismiss")

    @admin.action(description="Run all of the chosen rows", permissions=["steer"])
    def run_all_chosen(self, request: HttpRequest, queryset: QuerySet[SkippedOccurrence]) -> None:
        self._decide_chosen(request, queryset, "run_all")

    @admin.action(description="Run the last of each chosen row", permissions=["steer"])
    def run_last_chosen(self, request: HttpRequest, queryset: QuerySet[SkippedOccurrence]) -> None:
        self._decide_chosen(request, queryset, "run_last")

    @admin.action(description="Dismiss the chosen rows", permissions=["steer"])
    def dismiss_chosen(self, request: HttpRequest, queryset: QuerySet[SkippedOccurrence]) -> None:
        self._decide_chosen(request, queryset, "dismiss")

    @admin.display(description="First (UTC)")
    def first(self, row: SkippedOccurrence) -> str:
        return show.moment_in_list(row.first_at)

    @admin.display(description="Last (UTC)")
    def last(self, row: SkippedOccurrence) -> str:
        return show.moment(row.last_at)

    @admin.display(description="Cause")
    def shown_cause(self, row: SkippedOccurrence) -> str:
        colour = "warning" if row.cause == Cause.MISSED else "default"
        return show.badge(row.get_cause_display(), colour)

    @admin.display(description="Decision")
    def decision(self, row: SkippedOccurrence) -> str:
        if row.resolved_at is not None:
            return RESOLUTIONS.get(row.resolution, row.resolution)
        return show.badge("to be decided", "warning") if row.cause == Cause.MISSED else "-"

    @admin.display(description="Decided (UTC)")
    def resolved(self, row: SkippedOccurrence) -> str:
        return show.moment(row.resolved_at)

    @admin.display(description="Decided by")
    def decided_by(self, row: SkippedOccurrence) -> str:
        return row.resolved_by or "-"

    @admin.display(description="Template")
    def template_link(self, row: SkippedOccurrence) -> str:
        name = f"{self.admin_site.name}:templates_app_template_change"
        address = reverse(name, args=[row.template_id])
        return format_html('<a class="text-link" href="{}">{}</a>', address, row.template)

    def _decide(self, request: HttpRequest, row: SkippedOccurrence, choice: str) -> HttpResponse:
        try:
            done = review(row, {"choice": choice}, now=database_now(), by=by(request))
        except (InvalidFields, *REFUSALS) as refusal:
            messages.error(request, refusal_in_words(refusal))
            return self.back_to_page(request, row)
        said = told(done.ran) if done.ran else "Dismissed: nothing of it runs."
        return self.done_on_page(request, row, said=said, logged=f"Decided: {RESOLUTIONS[choice]}.")

    def _decide_chosen(
        self, request: HttpRequest, queryset: QuerySet[SkippedOccurrence], choice: str
    ) -> None:
        to_decide = queryset.filter(cause__in=REVIEWABLE)
        as_wanted = queryset.exclude(cause__in=REVIEWABLE).count()
        if as_wanted:
            messages.warning(
                request,
                f"{as_wanted} left unchanged. Calendars, windows and clock changes did what they "
                "are there for; only what was missed or overlapped is decided about.",
            )
        decide = partial(review, data={"choice": choice}, by=by(request))
        self.steer_chosen(
            request,
            to_decide.select_related("template"),
            lambda row, now: decide(row, now=now),
            said="decided about",
            logged=f"Decided: {RESOLUTIONS[choice]}.",
        )
