"""Flow rules: the list, and the page of one with its line and its pause."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant

from jobs.admin import display as show
from jobs.admin import flow_words
from jobs.admin.filters import ChoiceFilter
from jobs.admin.flow_form import REFUSALS, ConfirmFlow, FlowForm, PauseFlow
from jobs.admin.history import sees_several_merchants
from jobs.admin.made_by_members import MadeByMembers, changes_of, deleting
from jobs.admin.steering import asked_first, by
from jobs.flow import FlowScope
from jobs.models import Flow
from jobs.operations.flows import delete_flow, resume_flow
from tenants.models import Merchant

STATES = {"active": Q(paused_at=None), "paused": Q(paused_at__isnull=False)}

PAUSE = ActionDialog(
    title="Pause this flow rule?",
    description="None of its jobs starts until somebody resumes it. What workers have goes on.",
    form_class=PauseFlow,
    form_submit_text="Pause",
)
RESUME = ActionDialog(
    title="Resume this flow rule?",
    description="Its jobs go again, as its bounds allow.",
    form_class=ConfirmFlow,
    form_submit_text="Resume",
)
DELETE = ActionDialog(
    title="Delete this flow rule?",
    description="It bounds nothing any more; the jobs that wait for it go on.",
    form_class=ConfirmFlow,
    form_submit_text="Delete the rule",
)


class ScopeFilter(ChoiceFilter):
    title = "scope"
    parameter_name = "scope"
    options = [(scope.value, scope.value.capitalize()) for scope in FlowScope]


class FlowStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = [(name, name.capitalize()) for name in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        value = self.value()
        if not value:
            return queryset
        if value not in STATES:
            raise IncorrectLookupParameters("state: no such value")
        return queryset.filter(STATES[value])


@admin.register(Flow)
class FlowAdmin(MadeByMembers):
    """Members look; merchant admins keep their merchants' own rules, superusers all of them.

    What a superuser adds is the operators' rule, also where it is for one merchant.
    """

    form = FlowForm
    refusals = REFUSALS
    actions_detail = ("pause", "resume", "remove")
    list_display = ("concerned", "scope", "bounds", "state", "set_by")
    list_filter = (ScopeFilter, FlowStateFilter)
    lookups = ("scope", "state")
    text_columns = ("name",)
    search_help_text = "Search by id or name"
    change_form_outer_after_template = "jobs/admin/flow_story.html"
    fieldsets = (
        (None, {"fields": ("merchant", "scope", "name")}),
        ("Bounds", {"fields": ("most_active", ("rate", "rate_period"), "burst")}),
        ("Pause", {"fields": ("paused", "note")}),
    )

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self.has_manage_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request, obj)

    def has_steer_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Which rules, the dialogs decide.
        return self.has_manage_permission(request)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        kwargs["queryset"] = Merchant.objects.manageable_by(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_list_select_related(self, request: HttpRequest) -> Sequence[str]:
        return ["merchant"]

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        return [*self.list_display, *(["owner"] if sees_several_merchants(request) else [])]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        told = (None, {"fields": self._told(request, obj)})
        if not self.has_change_permission(request, obj):
            return (told,)
        return (told, self.fieldsets[1])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return () if obj is None else self._told(request, obj)

    def _told(self, request: HttpRequest, flow: Flow) -> tuple[str, ...]:
        fields = ["concerned"]
        if sees_several_merchants(request):
            fields.append("owner")
        if not self.has_change_permission(request, flow):
            fields.append("bounds")
        fields += ["set_by", "state"]
        if flow.paused_at is not None:
            fields.append("pause_told" if _knows_who(request, flow) else "pause_seen")
        return (*fields, "in_line")

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        if not self.has_change_permission(request, row):
            return False
        return button in {"pause" if row.paused_at is None else "resume", "remove"}

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        if not _knows_who(request, row):
            return {"show_history": False}
        return {"flow": row, "changes": changes_of(row)}

    def history_view(self, request: HttpRequest, object_id: str, *args: Any) -> HttpResponse:
        row = self.row_at(request, object_id)
        if row is not None and not _knows_who(request, row):
            raise PermissionDenied
        return super().history_view(request, object_id, *args)

    @asked_first(PAUSE, button="Pause", path="pause", variant=ActionVariant.DEFAULT)
    def pause(self, request: HttpRequest, form: PauseFlow, object_id: str) -> HttpResponse:
        note = form.result.pause_note
        logged = f"Paused: {note}" if note else "Paused."
        return self.done_on_page(request, form.flow, said="The rule is paused.", logged=logged)

    @asked_first(RESUME, button="Resume", path="resume", variant=ActionVariant.PRIMARY)
    def resume(self, request: HttpRequest, form: ConfirmFlow, object_id: str) -> HttpResponse:
        return self.steer_page(
            request,
            form.flow,
            lambda row, now: resume_flow(row, by=by(request)),
            said="The rule's jobs go again.",
            logged="Resumed.",
        )

    @deleting(DELETE)
    def remove(self, request: HttpRequest, form: ConfirmFlow, object_id: str) -> HttpResponse:
        return self.delete_row(
            request, form.flow, lambda row, now: delete_flow(row, by=by(request))
        )

    @admin.display(description="Concerns")
    def concerned(self, flow: Flow) -> str:
        return flow_words.concerned(flow)

    @admin.display(description="Bounds")
    def bounds(self, flow: Flow) -> str:
        return flow_words.bounds(flow)

    @admin.display(description="Merchant")
    def owner(self, flow: Flow) -> str:
        return str(flow.merchant) if flow.merchant else "all"

    @admin.display(description="Set by")
    def set_by(self, flow: Flow) -> str:
        return "the operators" if flow.set_by_operators else "the merchant"

    @admin.display(description="State")
    def state(self, flow: Flow) -> str:
        paused = flow.paused_at is not None
        return show.badge("paused" if paused else "active", "warning" if paused else "success")

    @admin.display(description="Paused")
    def pause_told(self, flow: Flow) -> str:
        return flow_words.paused(flow)

    @admin.display(description="Paused")
    def pause_seen(self, flow: Flow) -> str:
        return flow_words.paused_by_operators(flow)

    @admin.display(description="Waiting in line")
    def in_line(self, flow: Flow) -> str:
        return flow_words.in_line(flow)


def _knows_who(request: HttpRequest, flow: Flow) -> bool:
    """Tell whether the reader may know which person did something to the rule, and why."""
    return bool(request.user.is_superuser) or not flow.set_by_operators
