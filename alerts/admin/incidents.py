"""Incidents: what is in trouble, and what people do about it."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from alerts.admin.pages import AlertForm
from alerts.models import Delivery, Incident
from alerts.models.incident import IncidentState
from alerts.operations.incidents import LONGEST_SNOOZE, MAX_NOTE, acknowledge, resolve, snooze
from alerts.operations.refusals import REFUSALS
from jobs.admin import display as show
from jobs.admin.filters import ChoiceFilter
from jobs.admin.made_by_members import MadeByMembers, changes_of
from jobs.admin.steering import asked_first, by, seen_or_404
from tenants.clock import database_now

STATE_COLOURS = {
    "open": "danger",
    "acknowledged": "warning",
    "snoozed": "info",
    "resolved": "success",
}
SHOWN_MESSAGES = 20


class ConfirmIncident(AlertForm, BaseDialogForm):
    """Asks about one incident; one of somebody else's is answered as a missing one."""

    form_before_template = "jobs/admin/dialog_faults.html"

    note = forms.CharField(
        required=False,
        max_length=MAX_NOTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="For colleagues. May stay empty.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visible = Incident.objects.visible_to(self.request.user).select_related("merchant")
        self.row: Incident = seen_or_404(visible, self.object_id)

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> Any:
        return {"errors": self.non_field_errors()}

    @property
    def note_said(self) -> dict[str, Any]:
        """The note as one line."""
        return {"note": " ".join(self.cleaned_data["note"].split())}


class Acknowledge(ConfirmIncident):
    def carry_out(self) -> Incident:
        return acknowledge(self.row, self.note_said, by=by(self.request), now=database_now())


class Resolve(ConfirmIncident):
    def carry_out(self) -> Incident:
        return _resolve(self.row, self.request, self.note_said)


class Snooze(ConfirmIncident):
    minutes = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_SNOOZE,
        initial=60,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="How long to keep quiet.",
    )

    def carry_out(self) -> Incident:
        said = {"minutes": self.cleaned_data["minutes"], **self.note_said}
        return snooze(self.row, said, by=by(self.request), now=database_now())


def _resolve(incident: Incident, request: HttpRequest, said: Any = None) -> Incident:
    return resolve(
        incident,
        said,
        by=by(request),
        alerting=settings.TASKFLOW_ALERTING,
        now=database_now(),
    )


ACKNOWLEDGE = ActionDialog(
    title="Acknowledge this incident?",
    description="You look after it: nobody else is told until it is over.",
    form_class=Acknowledge,
    form_submit_text="Acknowledge",
)
SNOOZE = ActionDialog(
    title="Keep quiet about this incident for a while?",
    description="Then its escalation policy goes on, if it is not over.",
    form_class=Snooze,
    form_submit_text="Snooze",
)
RESOLVE = ActionDialog(
    title="Resolve this incident?",
    description="Those who were told hear that it is over. Seen again, it is a new incident.",
    form_class=Resolve,
    form_submit_text="Resolve",
)


class IncidentStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = [(state.value, str(state.label)) for state in IncidentState]


@admin.register(Incident)
class IncidentAdmin(MadeByMembers):
    """The evaluator opens and counts; whoever sees an incident may look after it."""

    refusals = REFUSALS
    actions = ("acknowledge_chosen", "resolve_chosen")
    actions_detail = ("acknowledge", "snooze", "resolve")
    list_display = ("subject", "rule", "shown_state", "count", "last")
    list_filter = (IncidentStateFilter,)
    lookups = ("state",)
    text_columns = ("subject",)
    search_help_text = "Search by id or subject"
    change_form_outer_after_template = "alerts/admin/incident_story.html"
    fieldsets = (
        (None, {"fields": ("shown_state", "subject", "detail", "rule", "severity", "merchant")}),
        ("Seen (times in UTC)", {"fields": ("count", "first", "last", "example")}),
        (
            "What people did (times in UTC)",
            {"fields": ("acknowledged", "snoozed", "resolved", "note", "told_whom")},
        ),
    )

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        return ["merchant", "rule"]

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        return bool(row.state != IncidentState.RESOLVED) and not (
            button == "acknowledge" and row.state == IncidentState.ACKNOWLEDGED
        )

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        messages = Delivery.objects.filter(incidents__contains=[row.pk])
        return {
            "incident": row,
            "deliveries": messages.select_related("channel").order_by("-id")[:SHOWN_MESSAGES],
            "changes": changes_of(row),
        }

    @asked_first(
        ACKNOWLEDGE, button="Acknowledge", path="acknowledge", variant=ActionVariant.PRIMARY
    )
    def acknowledge(self, request: HttpRequest, form: Acknowledge, object_id: str) -> HttpResponse:
        said = "You look after the incident."
        return self.done_on_page(request, form.row, said=said, logged="Acknowledged.")

    @asked_first(SNOOZE, button="Snooze", path="snooze", variant=ActionVariant.DEFAULT)
    def snooze(self, request: HttpRequest, form: Snooze, object_id: str) -> HttpResponse:
        said = f"Quiet until {show.moment(form.result.snoozed_until)} UTC."
        return self.done_on_page(request, form.row, said=said, logged="Snoozed.")

    @asked_first(RESOLVE, button="Resolve", path="resolve", variant=ActionVariant.DEFAULT)
    def resolve(self, request: HttpRequest, form: Resolve, object_id: str) -> HttpResponse:
        said = "The incident is resolved."
        return self.done_on_page(request, form.row, said=said, logged="Resolved.")

    @admin.action(description="Acknowledge the chosen incidents", permissions=["steer"])
    def acknowledge_chosen(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        self.steer_chosen(
            request,
            queryset,
            lambda row, now: acknowledge(row, None, by=by(request), now=now),
            said="acknowledged",
            logged="Acknowledged.",
        )

    @admin.action(description="Resolve the chosen incidents", permissions=["steer"])
    def resolve_chosen(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        self.steer_chosen(
            request,
            queryset,
            lambda row, now: _resolve(row, request),
            said="resolved",
            logged="Resolved.",
        )

    @admin.display(description="State")
    def shown_state(self, incident: Incident) -> str:
        return show.badge(incident.state, STATE_COLOURS[incident.state])

    @admin.display(description="First seen")
    def first(self, incident: Incident) -> str:
        return show.moment(incident.first_seen)

    @admin.display(description="Last seen (UTC)")
    def last(self, incident: Incident) -> str:
        return show.moment(incident.last_seen)

    @admin.display(description="Example")
    def example(self, incident: Incident) -> str:
        if incident.example_job_id is None:
            return "-"
        address = reverse(f"{self.admin_site.name}:jobs_job_change", args=[incident.example_job_id])
        return format_html(
            '<a class="text-link" href="{}">job {}</a>', address, incident.example_job_id
        )

    @admin.display(description="Acknowledged")
    def acknowledged(self, incident: Incident) -> str:
        if incident.acknowledged_at is None:
            return "-"
        return f"{show.moment(incident.acknowledged_at)} by {incident.acknowledged_by}"

    @admin.display(description="Quiet until")
    def snoozed(self, incident: Incident) -> str:
        return show.moment(incident.snoozed_until)

    @admin.display(description="Resolved")
    def resolved(self, incident: Incident) -> str:
        if incident.resolved_at is None:
            return "-"
        return f"{show.moment(incident.resolved_at)} by {incident.resolved_by or 'itself'}"

    @admin.display(description="Told")
    def told_whom(self, incident: Incident) -> str:
        if incident.untold_at is not None:
            return "Nobody could be told: every message failed for good. See below."
        number = len(incident.told)
        return f"{number} channel{'' if number == 1 else 's'}" if number else "nobody yet"
