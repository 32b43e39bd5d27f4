"""Breakers: hosts that do not answer, or answer again, with who waits for them; and their reset."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from jobs.admin import breaker_words
from jobs.admin import display as show
from jobs.admin.filters import ChoiceFilter
from jobs.admin.history import HistoryAdmin, sees_several_merchants
from jobs.admin.job_sections import without
from jobs.admin.steering import asked_first, back_to, by, seen_or_404
from jobs.breaker import BreakerState
from jobs.models import Breaker
from jobs.operations.breakers import reset_breaker


class ConfirmReset(BaseDialogForm):
    """Asks about one breaker; one of somebody else's is answered as a missing one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visible = Breaker.objects.visible_to(self.request.user)
        self.breaker: Breaker = seen_or_404(visible, self.object_id)


RESET = ActionDialog(
    title="Reset this breaker?",
    description="Its failures are forgotten, and all jobs that wait for the host go to it at once. "
    "Left alone, the breaker lets one job try the host, and then more step by step.",
    form_class=ConfirmReset,
    form_submit_text="Reset",
)


class BreakerStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = [(one.value, one.value.replace("_", "-").capitalize()) for one in BreakerState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        value = self.value()
        if value and value not in set(BreakerState):
            raise IncorrectLookupParameters("state: no such value")
        return queryset.filter(state=value) if value else queryset


@admin.register(Breaker)
class BreakerAdmin(HistoryAdmin):
    """Read-only: the engine writes what happens. Whoever sees a breaker may reset it."""

    actions_detail = ("reset",)
    list_display = ("host", "shown_state", "in_a_row", "given_up", "next_probe", "waiting")
    list_filter = (BreakerStateFilter,)
    lookups = ("state",)
    text_columns = ("handler",)
    search_help_text = "Search by id or host"
    change_form_outer_after_template = "jobs/admin/breaker_story.html"
    fieldsets = (
        (None, {"fields": ("shown_state", "meaning", ("host", "merchant"), "waiting")}),
        (
            "Answers and failures (times in UTC)",
            {
                "fields": (
                    ("in_a_row", "error_code"),
                    ("given_up", "next_probe"),
                    ("recovering", "answered"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible: Any = super().get_queryset(request)
        found: QuerySet[Any] = visible.with_state().annotate(in_line=breaker_words.waiting())
        return found

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = set() if sees_several_merchants(request) else {"merchant"}
        return [
            (title, {**options, "fields": without(hidden, options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            "breaker": row,
            "story": breaker_words.story(row),
            "first_in_line": breaker_words.line_of(row)[: breaker_words.FIRST_IN_LINE],
        }

    @asked_first(RESET, button="Reset", path="reset", variant=ActionVariant.PRIMARY)
    def reset(self, request: HttpRequest, form: ConfirmReset, object_id: str) -> HttpResponse:
        if reset_breaker(form.breaker, by=by(request)):
            messages.success(
                request, f"The breaker of {form.breaker.handler} is reset; its jobs go again."
            )
            LogEntry.objects.log_actions(
                user_id=str(request.user.pk),
                queryset=[form.breaker],
                action_flag=CHANGE,
                change_message="Reset.",
                single_object=True,
            )
        else:
            messages.info(request, f"{form.breaker.handler} had been taken back already.")
        return back_to(request, reverse(f"{self.admin_site.name}:jobs_breaker_changelist"))

    @admin.display(description="Host")
    def host(self, breaker: Breaker) -> str:
        return breaker.handler

    @admin.display(description="State")
    def shown_state(self, breaker: Breaker) -> str:
        colour = breaker_words.COLOURS[BreakerState(breaker.state)]
        return show.badge(breaker_words.state(breaker), colour)

    @admin.display(description="What that means")
    def meaning(self, breaker: Breaker) -> str:
        return breaker_words.meaning(breaker)

    @admin.display(description="Failures in a row")
    def in_a_row(self, breaker: Breaker) -> str:
        return f"{breaker.failures:,}"

    @admin.display(description="Given up (UTC)")
    def given_up(self, breaker: Breaker) -> str:
        return show.moment_in_list(breaker.opened_at)

    @admin.display(description="Next probe (UTC)")
    def next_probe(self, breaker: Breaker) -> str:
        if breaker.state == BreakerState.OPEN:
            return show.moment_in_list(breaker.probe_at)
        return "-" if breaker.opened_at is None or breaker.recovering_at else "now"

    @admin.display(description="Answers again since")
    def recovering(self, breaker: Breaker) -> str:
        return show.moment(breaker.recovering_at)

    @admin.display(description="Answers since")
    def answered(self, breaker: Breaker) -> str:
        return f"{breaker.answers:,}" if breaker.recovering_at else "-"

    @admin.display(description="Waiting in line")
    def waiting(self, breaker: Any) -> str:
        return breaker_words.counted(breaker.in_line)
