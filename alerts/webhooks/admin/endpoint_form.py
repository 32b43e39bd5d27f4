"""The forms of a webhook endpoint: what it hears of, and the questions before its buttons."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from alerts.models import WebhookEndpoint
from alerts.operations.refusals import TooManyTests
from alerts.webhooks.events import SUBSCRIBABLE
from alerts.webhooks.operations.endpoints import (
    EndpointGone,
    EndpointOff,
    NewSecret,
    PlatformHasNoEndpoints,
    TooManyEndpoints,
    create_endpoint,
    edit_endpoint,
)
from alerts.webhooks.operations.redelivery import Redelivered, redeliver_since
from jobs.admin.made_by_members import only_merchant
from jobs.admin.operating import OperatingForm
from jobs.admin.steering import by, seen_or_404
from jobs.handlers.registry import kind_names
from tenants.clock import database_now

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[WebhookEndpoint]
else:
    _ModelForm = forms.ModelForm

REFUSALS = (EndpointGone, EndpointOff, PlatformHasNoEndpoints, TooManyEndpoints, TooManyTests)
EVENT_WORDS = {
    "job.*": "Everything about jobs",
    "job.succeeded": "A job succeeded",
    "job.failed": "A job failed for good",
    "job.dead_lettered": "A job became a dead letter",
    "job.cancelled": "A job was cancelled",
    "job.skipped": "A job was skipped",
    "template.*": "Everything about templates",
    "template.missed": "Runs of a template were missed",
    "template.set_aside": "A template was set aside: it cannot be planned",
    "incident.*": "Everything about incidents",
    "incident.opened": "An incident began",
    "incident.resolved": "An incident is over",
    "webhook_endpoint.*": "Everything about webhook endpoints",
    "webhook_endpoint.disabled": "A webhook endpoint was disabled",
}
_PLAIN = ("url", "events", "kind", "description", "active")


class EndpointForm(OperatingForm, _ModelForm):
    """All of it may be changed later."""

    request: HttpRequest
    refusals = REFUSALS
    new_secret: NewSecret | None = None

    events = forms.MultipleChoiceField(
        choices=[(name, f"{EVENT_WORDS[name]} ({name})") for name in SUBSCRIBABLE],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What is sent to it.",
    )
    kind = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        label="Only jobs of the kind",
        help_text="Empty: jobs of any kind.",
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("merchant", "url", "description", "events", "kind", "template_id", "active")
        labels = {"url": "URL", "template_id": "Only the template"}
        help_texts = {
            "url": "An http or https address of a public host. Events are sent to it by POST.",
            "description": "What it is for, for colleagues. May stay empty.",
            "template_id": "The id of a template: events of this template and its jobs. Empty: of any.",
            "active": "Switched off, it gets nothing.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields.get("kind")
        if isinstance(kind, forms.ChoiceField):
            kind.choices = [("", "any"), *((name, name) for name in kind_names())]

    def carry_out(self) -> WebhookEndpoint:
        if not self.instance._state.adding:  # noqa: SLF001
            changes = {name: self._value(name) for name in self.changed_data if name != "merchant"}
            return (
                edit_endpoint(self.instance, changes, by=by(self.request))
                if changes
                else self.instance
            )
        document = {name: self._value(name) for name in (*_PLAIN, "template_id")}
        owner = self.cleaned_data.get("merchant") or only_merchant(self.request)
        assert owner is not None  # whoever has several must choose
        self.new_secret = create_endpoint(document, merchant=owner, by=by(self.request))
        return self.new_secret.endpoint

    def _value(self, name: str) -> Any:
        value = self.cleaned_data[name]
        if name == "template_id":
            return str(value) if value else None
        return value


class ConfirmEndpoint(BaseDialogForm):
    """Asks about one endpoint; one that the person may not change is answered as a missing one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = WebhookEndpoint.objects.manageable_by(self.request.user)
        self.endpoint: WebhookEndpoint = seen_or_404(
            own.filter(deleted_at=None).select_related("merchant"), self.object_id
        )


class _Moment(forms.DateTimeField):
    """A moment in UTC, by the browser's own picker."""

    def __init__(self, **options: Any) -> None:
        picker = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})
        super().__init__(widget=picker, **options)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:%Y-%m-%dT%H:%M}" if hasattr(value, "strftime") else value


class RedeliverSince(OperatingForm, ConfirmEndpoint):
    """Asks from when on; has sent again what the endpoint did not get since then."""

    refusals = REFUSALS
    result: Redelivered
    form_before_template = "jobs/admin/dialog_faults.html"

    since = _Moment(label="Since (UTC)", help_text="Of the last 30 days.")
    until = _Moment(label="Until (UTC)", required=False, help_text="Empty: until now.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        began = self.endpoint.failing_since or self.endpoint.disabled_at
        self.fields["since"].initial = began or database_now() - timedelta(days=1)

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> Any:
        return {"errors": self.non_field_errors()}

    def carry_out(self) -> Redelivered:
        until = self.cleaned_data["until"]
        said = {
            "since": self.cleaned_data["since"].isoformat(),
            "until": until.isoformat() if until else None,
        }
        now = database_now()
        return redeliver_since(self.endpoint, said, now=now, by=by(self.request))
