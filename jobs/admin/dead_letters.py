"""Dead letters: jobs that failed for good, to be redriven or discarded by a person."""

import hashlib
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from jobs import queries
from jobs.admin import display as show
from jobs.admin.filters import CreatedFilter, KindFilter, ResolutionFilter, WhoseFilter
from jobs.admin.letter_groups import LetterGroups
from jobs.admin.steering import ConfirmDeadLetter, asked_first, by
from jobs.masking import masked
from jobs.models import DeadLetter
from jobs.operations import dead_letters
from jobs.operations.fields import InvalidFields
from jobs.operations.redrive_payloads import Drawn, draw
from jobs.operations.work import read_payload
from jobs.strict_json import MalformedJson, read_json

RESOLUTION_COLOURS = {"open": "danger", "redriven": "info", "discarded": "default"}


class RedriveForm(ConfirmDeadLetter):
    """The payload to run with, as JSON; hidden values stay what they are."""

    payload = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 14, "spellcheck": "false"}),
        strip=True,
        help_text="Change it or leave it. A value shown as *** is kept as it is.",
    )

    # What the person was shown, so that what is applied is what was looked at.
    looked = forms.CharField(required=False, widget=forms.HiddenInput)
    form_before_template = "jobs/admin/payload_changes.html"
    drawn: Drawn | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        job = self.letter.job
        self.shown = dict(masked(job.kind, job.payload))
        self.fields["payload"].initial = show.pretty(self.shown)

    def clean_payload(self) -> Any:
        """Return the edited payload, None when it was left alone; checked against its kind."""
        try:
            # A lone surrogate, which no encoding takes, is left to the reader to refuse.
            payload = read_json(self.cleaned_data["payload"].encode("utf-8", "surrogatepass"))
        except MalformedJson as error:
            raise forms.ValidationError(str(error)) from error
        # As texts: Python calls 1 and true equal, a target does not.
        if show.pretty(payload) == show.pretty(self.shown):
            return None
        job = self.letter.job
        try:
            read_payload(payload, kind=job.kind, original=job.payload, merchant_id=job.merchant_id)
        except InvalidFields as error:
            raise forms.ValidationError([problem.detail for problem in error.problems]) from error
        return payload

    def clean(self) -> Any:
        """Show what an edit changes before it is applied: the same has to be sent twice."""
        payload = self.cleaned_data.get("payload")
        if payload is not None:
            seen = hashlib.sha256(show.pretty(payload).encode()).hexdigest()
            if self.cleaned_data.get("looked") != seen:
                self.drawn = draw(self.letter.job, payload=payload)
                self.data = {**self.request.POST.dict(), "looked": seen}
                self.add_error("payload", "Look at what changes, then press Redrive again.")
        return self.cleaned_data

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> Any:
        return {"drawn": self.drawn}


class DiscardForm(ConfirmDeadLetter):
    """Why nobody needs to run it again."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="For those who look later. May stay empty.",
    )


REDRIVE = ActionDialog(
    title="Redrive this dead letter?",
    description="Its job gets a new round of attempts, starting now.",
    form_class=RedriveForm,
    form_submit_text="Redrive",
)
DISCARD = ActionDialog(
    title="Discard this dead letter?",
    description="The job stays failed and leaves the list of open ones.",
    form_class=DiscardForm,
    form_submit_text="Discard",
)


@admin.register(DeadLetter)
class DeadLetterAdmin(LetterGroups):
    """What could not be done, newest first."""

    actions = ("redrive_chosen", "discard_chosen")
    actions_detail = ("redrive", "discard")
    list_display = ("error", "work", "shown_resolution", "attempts", "created")
    list_filter = (ResolutionFilter, KindFilter, WhoseFilter, ("created_at", CreatedFilter))
    lookups = (
        "resolution",
        "fingerprint",
        "kind",
        "whose",
        "created_at_from_0",
        "created_at_from_1",
        "created_at_to_0",
        "created_at_to_1",
    )
    id_columns = ("id", "job_id")
    search_help_text = "Search by the job's id or the dead letter's"
    fieldsets = (
        (None, {"fields": ("shown_resolution", "job_link", "work", "attempts", "created")}),
        ("Error", {"fields": ("error_code", "shown_message", "fingerprint")}),
        ("What became of it", {"fields": ("resolved", "resolved_by", "shown_reason")}),
        ("Payload of the job", {"fields": ("shown_payload",)}),
    )

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        return bool(row.resolution == "")

    @asked_first(REDRIVE, button="Redrive", path="redrive", variant=ActionVariant.PRIMARY)
    def redrive(self, request: HttpRequest, form: RedriveForm, object_id: str) -> HttpResponse:
        edited = form.cleaned_data["payload"]
        again = partial(dead_letters.redrive, by=by(request), payload=edited)
        return self.steer_page(
            request, form.letter, again, said="The job runs again.", logged="Redriven."
        )

    @asked_first(DISCARD, button="Discard", path="discard", variant=ActionVariant.DANGER)
    def discard(self, request: HttpRequest, form: DiscardForm, object_id: str) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        close = partial(dead_letters.discard, by=by(request), reason=reason)
        return self.steer_page(
            request, form.letter, close, said="The dead letter is discarded.", logged="Discarded."
        )

    @admin.action(description="Redrive the chosen dead letters", permissions=["steer"])
    def redrive_chosen(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        again = partial(dead_letters.redrive, by=by(request))
        self.steer_chosen(request, queryset, again, said="running again", logged="Redriven.")

    @admin.action(description="Discard the chosen dead letters", permissions=["steer"])
    def discard_chosen(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        close = partial(dead_letters.discard, by=by(request))
        self.steer_chosen(request, queryset, close, said="discarded", logged="Discarded.")

    @admin.display(description="Error")
    def error(self, letter: DeadLetter) -> str:
        return str(letter)

    @admin.display(description="Kind")
    def work(self, letter: DeadLetter) -> str:
        return f"{letter.kind} {letter.handler}".strip()

    @admin.display(description="Resolution")
    def shown_resolution(self, letter: DeadLetter) -> str:
        resolution = letter.resolution or "open"
        return show.badge(resolution, RESOLUTION_COLOURS[resolution])

    @admin.display(description="Created (UTC)")
    def created(self, letter: DeadLetter) -> str:
        return show.moment_in_list(letter.created_at)

    @admin.display(description="Job")
    def job_link(self, letter: DeadLetter) -> str:
        address = reverse(f"{self.admin_site.name}:jobs_job_change", args=[letter.job_id])
        return format_html('<a class="text-link" href="{}">{}</a>', address, letter.job_id)

    @admin.display(description="Message")
    def shown_message(self, letter: DeadLetter) -> str:
        return show.text_block(letter.error_message) if letter.error_message else "-"

    @admin.display(description="Resolved (UTC)")
    def resolved(self, letter: DeadLetter) -> str:
        return show.moment(letter.resolved_at)

    @admin.display(description="Reason")
    def shown_reason(self, letter: DeadLetter) -> str:
        return letter.reason or "-"

    @admin.display(description="Payload")
    def shown_payload(self, letter: DeadLetter) -> str:
        job = queries.job_of(letter)
        if job is None:
            return "No longer kept."
        return show.json_block(dict(masked(job.kind, job.payload)))
