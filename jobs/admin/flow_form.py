"""The forms of a flow rule: what it bounds, and why it is paused."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from jobs.admin.made_by_members import only_merchant
from jobs.admin.operating import OperatingForm
from jobs.admin.steering import by, seen_or_404
from jobs.flow import FlowScope
from jobs.handlers.registry import LANES, kind_names
from jobs.models import Flow
from jobs.operations.flows import (
    MAX_NOTE,
    FlowExists,
    FlowGone,
    TooManyFlows,
    create_flow,
    create_operators_flow,
    edit_flow,
    pause_flow,
)
from tenants.clock import database_now

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Flow]
else:
    _ModelForm = forms.ModelForm

REFUSALS = (FlowExists, FlowGone, TooManyFlows)
SCOPE_WORDS = {
    FlowScope.MERCHANT: "all jobs of the merchant",
    FlowScope.TEMPLATE: "jobs of a template",
    FlowScope.KIND: "jobs of a kind",
    FlowScope.LANE: "jobs of a lane",
    FlowScope.HANDLER: "jobs of a handler",
    FlowScope.KEY: "jobs with a concurrency key",
}


class FlowForm(OperatingForm, _ModelForm):
    """What a rule concerns is said once; what it bounds may be changed."""

    request: HttpRequest
    refusals = REFUSALS
    places = {"rate/jobs": "rate", "rate/per": "rate_period"}

    paused = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        label="Begin paused",
        help_text="Its jobs wait in line until somebody resumes it. It needs no bounds.",
    )
    note = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        label="Why paused",
        help_text="For those who wonder later. May stay empty.",
    )

    class Meta:
        model = Flow
        fields = ("merchant", "scope", "name", "most_active", "rate", "rate_period", "burst")
        labels = {
            "scope": "Concerns",
            "name": "Which",
            "most_active": "At most at once",
            "rate": "Rate",
            "rate_period": "Per",
        }
        help_texts = {
            "merchant": "The operators' rule holds beside the merchant's own, whose people see it and cannot "
            "change it. Empty: it concerns the jobs of all merchants, and only operators see it.",
            "most_active": "How many of these jobs may be in workers' hands at once. Empty: any.",
            "rate": "How many of these jobs may start in a period, on average. Empty: any.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = self.fields.get("scope")
        if isinstance(scope, forms.ChoiceField):
            scope.choices = [("", "---------"), *((one, SCOPE_WORDS[one]) for one in FlowScope)]
            self.fields["name"].help_text = (
                f"The kind ({', '.join(kind_names())}), the lane ({', '.join(LANES)}), the id of the "
                "template, or the handler: a function, a command, a host or a destination. "
                "Empty for all jobs of the merchant."
            )
        if "merchant" in self.fields and self.fields["merchant"].required:
            self.fields["merchant"].help_text = "Whose jobs it concerns."

    def carry_out(self) -> Flow:
        if self.instance._state.adding:  # noqa: SLF001
            document = {
                **{name: self.cleaned_data[name] for name in ("scope", "name", "paused", "note")},
                **self._limits(),
            }
            return self._created(document)
        changed = {"rate" if name == "rate_period" else name for name in self.changed_data}
        changes = {name: value for name, value in self._limits().items() if name in changed}
        return edit_flow(self.instance, changes, by=by(self.request)) if changes else self.instance

    def _created(self, document: dict[str, Any]) -> Flow:
        chosen, person, now = self.cleaned_data.get("merchant"), by(self.request), database_now()
        if self.request.user.is_superuser:
            return create_operators_flow(document, merchant=chosen, by=person, now=now)
        owner = chosen or only_merchant(self.request)
        assert owner is not None  # whoever has several must choose
        return create_flow(document, merchant=owner, by=person, now=now)

    def _limits(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        per = dict(Flow._meta.get_field("rate_period").flatchoices)[chosen["rate_period"]]  # noqa: SLF001
        return {
            "most_active": chosen["most_active"],
            "rate": None if chosen["rate"] is None else {"jobs": chosen["rate"], "per": per},
            "burst": chosen["burst"],
        }


class ConfirmFlow(BaseDialogForm):
    """Asks about one rule; one that the person may not change is answered as a missing one."""

    # unfold's dialog shows the faults of fields only.
    form_before_template = "jobs/admin/dialog_faults.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = Flow.objects.manageable_by(self.request.user).select_related("merchant")
        self.flow: Flow = seen_or_404(own, self.object_id)

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> Any:
        return {"errors": self.non_field_errors()}


class PauseFlow(OperatingForm, ConfirmFlow):
    """A note for colleagues."""

    refusals = REFUSALS

    note = forms.CharField(
        required=False,
        max_length=MAX_NOTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Why, for those who wonder later. May stay empty.",
    )

    def carry_out(self) -> Flow:
        note = " ".join(self.cleaned_data["note"].split())
        return pause_flow(self.flow, {"note": note}, by=by(self.request), now=database_now())
