"""Escalation policies: up to four steps, each with its channels."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import ActionDialog
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectMultipleWidget

from alerts.admin.pages import AlertForm, AlertPages, ConfirmManaged, chosen_merchant
from alerts.models import Channel, EscalationPolicy
from alerts.operations.policies import create_policy, delete_policy, edit_policy
from jobs.admin.made_by_members import deleting
from jobs.admin.steering import by
from tenants.clock import database_now

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[EscalationPolicy]
else:
    _ModelForm = forms.ModelForm

# Of a policy that the API gave more, the form leaves the others as they are.
STEPS = 4


class PolicyForm(AlertForm, _ModelForm):
    """The steps as pairs of fields; a step without channels is none."""

    request: HttpRequest

    class Meta:
        model = EscalationPolicy
        fields = ("merchant", "name", "repeat_after")
        labels = {"repeat_after": "Tell everybody again after (minutes)"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.steps if not self.instance._state.adding else []  # noqa: SLF001
        channels = Channel.objects.manageable_by(self.request.user)
        for place in range(STEPS):
            step = stored[place] if place < len(stored) else {"after": None, "channels": []}
            for name, value in (("after", step["after"]), ("channels", step["channels"])):
                field = self.fields.get(f"{name}_{place + 1}")
                if field is not None:
                    field.initial = value
                    if isinstance(field, forms.ModelMultipleChoiceField):
                        field.queryset = channels

    def carry_out(self) -> EscalationPolicy:
        document = {
            "name": self.cleaned_data["name"],
            "repeat_after": self.cleaned_data["repeat_after"],
            "steps": self._steps(),
        }
        if self.instance._state.adding:  # noqa: SLF001
            return create_policy(
                document, merchant=chosen_merchant(self), now=database_now(), by=by(self.request)
            )
        return edit_policy(self.instance, document, by=by(self.request))

    def _steps(self) -> list[dict[str, Any]]:
        steps = []
        for place in range(1, STEPS + 1):
            chosen = self.cleaned_data.get(f"channels_{place}")
            if chosen:
                after = self.cleaned_data.get(f"after_{place}") or 0
                steps.append({"after": after, "channels": [str(one.pk) for one in chosen]})
        return [*steps, *self.instance.steps[STEPS:]]


def _after(place: int) -> forms.IntegerField:
    return forms.IntegerField(
        required=False,
        min_value=0,
        label=f"Step {place}: after (minutes)",
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Minutes without acknowledgement; 0 or empty: at once.",
    )


def _channels(place: int) -> "forms.ModelMultipleChoiceField[Channel]":
    return forms.ModelMultipleChoiceField(
        queryset=Channel.objects.none(),
        required=False,
        label=f"Step {place}: channels",
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="Whom to tell then.",
    )


for _place in range(1, STEPS + 1):
    PolicyForm.base_fields[f"after_{_place}"] = _after(_place)
    PolicyForm.base_fields[f"channels_{_place}"] = _channels(_place)
    PolicyForm.declared_fields[f"after_{_place}"] = _after(_place)
    PolicyForm.declared_fields[f"channels_{_place}"] = _channels(_place)


class ConfirmPolicy(ConfirmManaged):
    model = EscalationPolicy


DELETE = ActionDialog(
    title="Delete this escalation policy?",
    description="A policy that a rule uses stays.",
    form_class=ConfirmPolicy,
    form_submit_text="Delete the policy",
)
_STEP_FIELDS = tuple(
    (f"Step {place}", {"fields": (f"after_{place}", f"channels_{place}")})
    for place in range(1, STEPS + 1)
)


@admin.register(EscalationPolicy)
class PolicyAdmin(AlertPages):
    """Who is told of an incident, after how long, and how often again."""

    form = PolicyForm
    actions_detail = ("remove",)
    list_display = ("name", "in_words")
    text_columns = ("name",)
    search_help_text = "Search by id or name"
    told = ("in_words",)
    fieldsets = ((None, {"fields": ("merchant", "name", "repeat_after")}), *_STEP_FIELDS)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        if not self.has_change_permission(request, obj):
            return ((None, {"fields": ("name", "in_words", "owner")}),)
        told = (None, {"fields": ("name", "in_words", "owner", "repeat_after")})
        return (told, *_STEP_FIELDS)

    @deleting(DELETE)
    def remove(self, request: HttpRequest, form: ConfirmPolicy, object_id: str) -> HttpResponse:
        return self.delete_row(
            request, form.row, lambda row, now: delete_policy(row, by=by(request))
        )

    @admin.display(description="Steps")
    def in_words(self, policy: EscalationPolicy) -> str:
        steps = [
            f"{_when(step['after'])}: {len(step['channels'])} channel"
            f"{'' if len(step['channels']) == 1 else 's'}"
            for step in policy.steps
        ]
        again = f"; again every {policy.repeat_after} min" if policy.repeat_after else ""
        return "; ".join(steps) + again


def _when(after: int) -> str:
    return f"after {after} min" if after else "at once"
