"""Alert rules: the list, and the page of one."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import ActionDialog
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from alerts.admin.pages import (
    AlertForm,
    AlertPages,
    ConfirmManaged,
    chosen_merchant,
    shown_for,
)
from alerts.models import Rule
from alerts.operations.rules import create_rule, delete_rule, edit_rule
from alerts.rules import RULE_KINDS, Parameter
from jobs.admin import display as show
from jobs.admin.filters import ChoiceFilter
from jobs.admin.made_by_members import deleting
from jobs.admin.steering import by
from tenants.clock import database_now

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Rule]
else:
    _ModelForm = forms.ModelForm

KINDS = [(kind.name, kind.title) for kind in RULE_KINDS.values()]


def _field_of(name: str) -> str:
    return f"bound_{name}"


def _by_name() -> dict[str, list[tuple[str, Parameter]]]:
    named: dict[str, list[tuple[str, Parameter]]] = {}
    for kind in RULE_KINDS.values():
        for one in kind.parameters:
            named.setdefault(one.name, []).append((kind.title, one))
    return named


PARAMETERS = _by_name()


class RuleForm(AlertForm, _ModelForm):
    """A kind's own bounds; those of other kinds stay empty."""

    request: HttpRequest
    places = {
        "policy_id": "policy",
        **{f"parameters/{name}": _field_of(name) for name in PARAMETERS},
    }

    kind = forms.ChoiceField(choices=KINDS, widget=UnfoldAdminSelectWidget, label="Watches for")
    template_id = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        label="Template",
        help_text="The id of the only template that it concerns. Empty: all of them.",
    )

    class Meta:
        model = Rule
        fields = ("merchant", "name", "severity", "policy", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:  # noqa: SLF001
            return
        # Said once, when the rule is made.
        self.fields.pop("kind", None)
        for name, value in self.instance.parameters.items():
            if _field_of(name) in self.fields:
                self.fields[_field_of(name)].initial = value

    def carry_out(self) -> Rule:
        policy = self.cleaned_data.get("policy")
        document: dict[str, Any] = {
            "name": self.cleaned_data["name"],
            "severity": self.cleaned_data["severity"],
            "enabled": self.cleaned_data["enabled"],
            "policy_id": str(policy.pk) if policy else None,
            "parameters": self._bounds(),
        }
        if self.cleaned_data.get("template_id") or "template_id" in self.changed_data:
            document["template_id"] = self.cleaned_data["template_id"].strip() or None
        if self.instance._state.adding:  # noqa: SLF001
            document["kind"] = self.cleaned_data["kind"]
            return create_rule(
                document, merchant=chosen_merchant(self), now=database_now(), by=by(self.request)
            )
        return edit_rule(
            self.instance,
            document,
            now=database_now(),
            alerting=settings.TASKFLOW_ALERTING,
            by=by(self.request),
        )

    def _bounds(self) -> dict[str, int]:
        # Those of other kinds are hidden: what was typed before another kind was chosen is not meant.
        adding = self.instance._state.adding  # noqa: SLF001
        kind = RULE_KINDS.get(self.cleaned_data["kind"] if adding else self.instance.kind)
        own = [one.name for one in kind.parameters] if kind else []
        given = {name: self.cleaned_data.get(_field_of(name)) for name in own}
        return {name: value for name, value in given.items() if value is not None}


def _bound(name: str) -> forms.IntegerField:
    used = PARAMETERS[name]
    words = " ".join(f"{title}: {one.explains} {one.default:,} when empty." for title, one in used)
    return forms.IntegerField(
        required=False,
        label=name.capitalize(),
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=words,
    )


for _name in PARAMETERS:
    RuleForm.base_fields[_field_of(_name)] = _bound(_name)
    RuleForm.declared_fields[_field_of(_name)] = _bound(_name)


class ConfirmRule(ConfirmManaged):
    model = Rule


DELETE = ActionDialog(
    title="Delete this rule?",
    description="Its incidents go with it.",
    form_class=ConfirmRule,
    form_submit_text="Delete the rule",
)


class RuleKindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"
    options = KINDS


@admin.register(Rule)
class RuleAdmin(AlertPages):
    """What counts as trouble, and who is told."""

    form = RuleForm
    actions_detail = ("remove",)
    list_display = ("name", "watches_for", "severity", "policy", "state")
    list_filter = (RuleKindFilter,)
    lookups = ("kind",)
    text_columns = ("name",)
    search_help_text = "Search by id or name"
    told = ("watches_for", "explains")
    conditional_fields = {
        "template_id": shown_for(name for name, kind in RULE_KINDS.items() if kind.takes_template),
        **{
            _field_of(one): shown_for(
                name
                for name, kind in RULE_KINDS.items()
                if any(own.name == one for own in kind.parameters)
            )
            for one in PARAMETERS
        },
    }
    fieldsets = (
        (None, {"fields": ("merchant", "name", "kind", "severity", "policy", "enabled")}),
        (
            "Bounds",
            {"fields": ("template_id", *map(_field_of, PARAMETERS))},
        ),
    )

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        return ["merchant", "policy"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        told = ("name", "watches_for", "explains", "owner")
        if not self.has_change_permission(request, obj):
            return ((None, {"fields": (*told, "severity", "policy", "enabled")}),)
        kind = RULE_KINDS.get(obj.kind)
        bounds = [_field_of(one.name) for one in kind.parameters] if kind else []
        if kind and kind.takes_template:
            bounds = ["template_id", *bounds]
        return (
            (None, {"fields": (*told, "severity", "policy", "enabled")}),
            *((("Bounds", {"fields": tuple(bounds)}),) if bounds else ()),
        )

    @deleting(DELETE)
    def remove(self, request: HttpRequest, form: ConfirmRule, object_id: str) -> HttpResponse:
        return self.delete_row(
            request,
            form.row,
            lambda row, now: delete_rule(
                row, now=now, alerting=settings.TASKFLOW_ALERTING, by=by(request)
            ),
        )

    @admin.display(description="Watches for")
    def watches_for(self, rule: Rule) -> str:
        kind = RULE_KINDS.get(rule.kind)
        return kind.title if kind else rule.kind

    @admin.display(description="That is")
    def explains(self, rule: Rule) -> str:
        kind = RULE_KINDS.get(rule.kind)
        return kind.explains if kind else "This release does not know the kind."

    @admin.display(description="State")
    def state(self, rule: Rule) -> str:
        return show.badge("on" if rule.enabled else "off", "success" if rule.enabled else "default")
