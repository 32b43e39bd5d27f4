"""The form that begins a redrive: which dead letters, how fast, with which change; looked at first."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from jobs.admin.made_by_members import only_merchant
from jobs.admin.operating import OperatingForm
from jobs.admin.steering import by, seen_or_404
from jobs.models import Redrive
from jobs.operations import redrives
from jobs.operations.redrives import FASTEST, SLOWEST, USUAL, DryRun
from jobs.strict_json import MalformedJson, read_json
from tenants.clock import database_now
from tenants.models import Merchant

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Redrive]
else:
    _ModelForm = forms.ModelForm

CONDITIONS = ("fingerprint", "error_code", "kind", "handler")
REFUSALS = (redrives.RedriveNotRunning, redrives.RedriveNotStopped)


class LookedAtFirst(Exception):
    """Nothing has begun: the person is shown what would happen, and asked again."""


class RedriveForm(OperatingForm, _ModelForm):
    """Sent twice: the first time says what would happen, the second time, unchanged, begins it."""

    request: HttpRequest
    refusals = (LookedAtFirst,)
    dry_run: DryRun | None = None

    fingerprint = forms.CharField(
        required=False,
        max_length=16,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of the error group; “Redrive” in the list of groups fills it in.",
    )
    error_code = forms.CharField(required=False, max_length=100, widget=UnfoldAdminTextInputWidget)
    kind = forms.CharField(required=False, max_length=32, widget=UnfoldAdminTextInputWidget)
    handler = forms.CharField(required=False, max_length=200, widget=UnfoldAdminTextInputWidget)
    rate = forms.FloatField(
        initial=USUAL,
        widget=UnfoldAdminDecimalFieldWidget,
        label="Jobs per second",
        help_text=f"At most so many; {SLOWEST} to {FASTEST:,.0f}.",
    )
    patch = forms.CharField(
        required=False,
        strip=True,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6, "spellcheck": "false"}),
        label="Change of the payloads",
        help_text='JSON with only what is to be different, such as {"url": "https://…"}; null takes '
        "a value away. Empty: the payloads stay as they are.",
    )
    looked = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Redrive
        fields = ("merchant",)

    def clean_patch(self) -> Any:
        """Return the change; None when there is none."""
        text = self.cleaned_data["patch"]
        if not text:
            return None
        try:
            return read_json(text.encode("utf-8", "surrogatepass"))
        except MalformedJson as error:
            raise forms.ValidationError(str(error)) from error

    def carry_out(self) -> Redrive:
        body, merchant = self._body(), self._merchant()
        seen = hashlib.sha256(json.dumps([str(merchant.pk), body]).encode()).hexdigest()
        if self.cleaned_data["looked"] == seen:
            return redrives.begin(body, merchant=merchant, now=database_now(), by=by(self.request))
        self.dry_run = redrives.dry_run(body, merchant=merchant)
        # What is rendered again carries the mark of what was looked at.
        self.data = {**self.request.POST.dict(), "looked": seen}
        raise LookedAtFirst(_foreseen(self.dry_run))

    def _body(self) -> dict[str, Any]:
        chosen = {name: self.cleaned_data[name] for name in CONDITIONS if self.cleaned_data[name]}
        body: dict[str, Any] = {"filter": chosen, "rate": self.cleaned_data["rate"]}
        if self.cleaned_data["patch"] is not None:
            body["patch"] = self.cleaned_data["patch"]
        return body

    def _merchant(self) -> Merchant:
        found = self.cleaned_data.get("merchant") or only_merchant(self.request)
        assert found is not None, "Whoever may add sees a merchant."
        return found


def _foreseen(found: DryRun) -> str:
    if found.count == 0:
        return "No open dead letter fits. Nothing has begun."
    unfit = sum(bool(example.drawn.problems) for example in found.examples)
    refused = f" The change does not fit {unfit} of the first ones." if unfit else ""
    return (
        f"Nothing has begun yet. It would take {found.count:,} dead letters; the first ones are shown "
        f"below.{refused} Press the button again to begin: one job goes first."
    )


class ConfirmRedrive(BaseDialogForm):
    """Asks about one redrive; one of somebody else's is answered as a missing one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visible = Redrive.objects.visible_to(self.request.user)
        self.redrive: Redrive = seen_or_404(visible, self.object_id)


class StopForm(ConfirmRedrive):
    """Why it stops, for colleagues."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="For those who wonder later. May stay empty.",
    )
