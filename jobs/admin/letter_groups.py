"""Open dead letters grouped by error: how many, since when, an example; redrive or discard a group."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from jobs import queries
from jobs.admin.bounded_reads import reading_for_at_most
from jobs.admin.history import LONGEST_READ
from jobs.admin.steered import SteeredAdmin
from jobs.admin.steering import by, seen_or_404
from jobs.models import DeadLetter
from jobs.operations.dead_letters import discard_many
from jobs.querysets import DeadLetterQuerySet
from tenants.clock import database_now
from tenants.models import Merchant

MOST_GROUPS = 100


class DiscardGroupForm(forms.Form):
    """Why nobody needs to run them again."""

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="For those who look later.",
    )


class LetterGroups(SteeredAdmin):
    """The pages of groups; merchants' letters are never in one group with others'."""

    actions_list = ("groups",)

    def get_urls(self) -> list[URLPattern]:
        discard = path(
            "groups/<uuid:merchant>/<slug:fingerprint>/discard/",
            self.admin_site.admin_view(self.discard_group),
            name="jobs_deadletter_discard_group",
        )
        return [discard, *super().get_urls()]

    @action(description="Groups by error", url_path="groups", permissions=["view"])
    def groups(self, request: HttpRequest) -> HttpResponse:
        merchants = list(Merchant.objects.visible_to(request.user)[:MOST_GROUPS])
        with reading_for_at_most(LONGEST_READ):
            found = [
                (merchant, group)
                for merchant in merchants
                for group in queries.error_groups(
                    _letters(request).of(merchant).open(), most=MOST_GROUPS
                )
            ]
        found.sort(key=lambda each: -each[1].count)
        context = {
            **self.admin_site.each_context(request),
            "title": "Dead letters by error",
            "opts": self.opts,
            "groups": [{"merchant": one, "group": group} for one, group in found[:MOST_GROUPS]],
            "several": len(merchants) > 1,
        }
        return TemplateResponse(request, "jobs/admin/letter_groups.html", context)

    def discard_group(self, request: HttpRequest, merchant: Any, fingerprint: str) -> HttpResponse:
        """Ask for a reason, then close all open letters of the group."""
        owner = seen_or_404(Merchant.objects.visible_to(request.user), merchant)
        letters = _letters(request).of(owner).open().filter(fingerprint=fingerprint)
        form = DiscardGroupForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            done = discard_many(
                letters,
                merchant=owner,
                now=database_now(),
                by=by(request),
                reason=form.cleaned_data["reason"],
                chosen_by={"filter": {"fingerprint": fingerprint}},
            )
            more = " More are left: discard again." if done.more else ""
            messages.success(request, f"{done.count:,} dead letters are discarded.{more}")
            return HttpResponseRedirect(reverse(f"{self.admin_site.name}:jobs_deadletter_groups"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Discard a group of dead letters",
            "opts": self.opts,
            "form": form,
            "count": letters.count(),
            "example": letters.order_by("-pk").first(),
        }
        return TemplateResponse(request, "jobs/admin/discard_group.html", context)


def _letters(request: HttpRequest) -> DeadLetterQuerySet:
    letters: QuerySet[DeadLetter] = DeadLetter.objects.visible_to(request.user)
    assert isinstance(letters, DeadLetterQuerySet)
    return letters
