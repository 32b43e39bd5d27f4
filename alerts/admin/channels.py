"""Channels: the list, the page of one, and the button that tests it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from alerts.admin.pages import (
    AlertForm,
    AlertPages,
    ConfirmManaged,
    chosen_merchant,
    shown_for,
)
from alerts.channels import WAYS
from alerts.models import Channel
from alerts.models.channel import ChannelKind
from alerts.operations.channels import (
    SETTINGS,
    create_channel,
    delete_channel,
    edit_channel,
    try_channel,
)
from jobs.admin import display as show
from jobs.admin.filters import ChoiceFilter
from jobs.admin.made_by_members import deleting
from jobs.admin.steering import asked_first, by
from tenants.clock import database_now

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Channel]
else:
    _ModelForm = forms.ModelForm

KEPT = "Empty: it stays as it is. Never shown again."


class SecretInput(UnfoldAdminPasswordWidget):
    """What is typed is not sent back, also when the form has a fault."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password"}, render_value=False)


class ChannelForm(AlertForm, _ModelForm):
    """What it takes to write there can be set, and never read."""

    request: HttpRequest

    addresses = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Of e-mail: whom to write to, one address a line.",
    )
    url = forms.CharField(
        required=False,
        label="URL",
        widget=SecretInput(),
        help_text="Of Slack and signed webhooks: where messages go.",
    )
    secret = forms.CharField(
        required=False,
        widget=SecretInput(),
        help_text="Of signed webhooks: “whsec_” and the base64 of 24 to 64 random bytes; the "
        "receiver checks signatures by it (Standard Webhooks).",
    )
    routing_key = forms.CharField(
        required=False,
        widget=SecretInput(),
        help_text="Of PagerDuty: the integration key of the service.",
    )

    class Meta:
        model = Channel
        fields = ("merchant", "name", "kind", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:  # noqa: SLF001
            return
        for name in ("url", "secret", "routing_key"):
            if name in self.fields:
                self.fields[name].help_text = KEPT
        if "addresses" in self.fields:
            self.fields["addresses"].initial = self.instance.shown.replace(", ", "\n")

    def carry_out(self) -> Channel:
        document = {name: self.cleaned_data[name] for name in ("name", "enabled")}
        adding = self.instance._state.adding  # noqa: SLF001
        # Those of other kinds are hidden: what was typed before another kind was chosen is not meant.
        kind = self.cleaned_data["kind"] if adding else self.instance.kind
        named = {
            name: self.cleaned_data[name]
            for name in WAYS[kind].fields
            if self.cleaned_data.get(name)
            and (self.instance._state.adding or name in self.changed_data)  # noqa: SLF001
        }
        if "addresses" in named:
            named["addresses"] = named["addresses"].replace(",", " ").split()
        document |= named
        if self.instance._state.adding:  # noqa: SLF001
            document["kind"] = self.cleaned_data["kind"]
            return create_channel(
                document, merchant=chosen_merchant(self), now=database_now(), by=by(self.request)
            )
        return edit_channel(self.instance, document, by=by(self.request))


class ConfirmChannel(ConfirmManaged):
    model = Channel


class TryChannel(AlertForm, ConfirmChannel):
    """Sends a test message."""

    def carry_out(self) -> Any:
        return try_channel(
            self.row,
            by=by(self.request),
            alerting=settings.TASKFLOW_ALERTING,
            now=database_now(),
        )


TEST = ActionDialog(
    title="Send a test message to this channel?",
    description="Whether it arrived is shown under “Deliveries”, some seconds later.",
    form_class=TryChannel,
    form_submit_text="Send",
)
DELETE = ActionDialog(
    title="Delete this channel?",
    description="The record of its messages goes with it.",
    form_class=ConfirmChannel,
    form_submit_text="Delete the channel",
)


class ChannelKindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"
    options = [(kind.value, str(kind.label)) for kind in ChannelKind]


@admin.register(Channel)
class ChannelAdmin(AlertPages):
    """Where messages about incidents go."""

    form = ChannelForm
    actions_detail = ("try_it", "remove")
    list_display = ("name", "kind", "shown", "state")
    list_filter = (ChannelKindFilter,)
    lookups = ("kind",)
    text_columns = ("name", "shown")
    search_help_text = "Search by id, name, address or host"
    told = ("kind", "shown")
    conditional_fields = {
        one: shown_for(name for name, way in WAYS.items() if one in way.fields) for one in SETTINGS
    }
    fieldsets = (
        (None, {"fields": ("merchant", "name", "kind", "enabled")}),
        ("Where to", {"fields": SETTINGS}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        if not self.has_change_permission(request, obj):
            return ((None, {"fields": ("name", "kind", "shown", "owner")}),)
        settings_of_kind = WAYS[obj.kind].fields
        return (
            (None, {"fields": ("name", "kind", "shown", "owner", "enabled")}),
            ("Where to", {"fields": settings_of_kind}),
        )

    @asked_first(TEST, button="Send a test", path="try", variant=ActionVariant.DEFAULT)
    def try_it(self, request: HttpRequest, form: TryChannel, object_id: str) -> HttpResponse:
        said = "A test message is on its way."
        return self.done_on_page(request, form.row, said=said, logged="Tested.")

    @deleting(DELETE)
    def remove(self, request: HttpRequest, form: ConfirmChannel, object_id: str) -> HttpResponse:
        return self.delete_row(
            request, form.row, lambda row, now: delete_channel(row, by=by(request))
        )

    @admin.display(description="State")
    def state(self, channel: Channel) -> str:
        return show.badge(
            "on" if channel.enabled else "off", "success" if channel.enabled else "default"
        )
