"""Webhook endpoints: the list, and the page of one with its test, its switch and its new secret."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import ActionDialog
from unfold.decorators import action
from unfold.enums import ActionVariant

from alerts.models import WebhookEndpoint
from alerts.webhooks.admin.endpoint_form import (
    REFUSALS,
    ConfirmEndpoint,
    EndpointForm,
    RedeliverSince,
)
from alerts.webhooks.operations.endpoints import (
    delete_endpoint,
    enable_endpoint,
    rotate_secret,
    test_endpoint,
)
from jobs.admin import display as show
from jobs.admin.made_by_members import MadeByMembers, changes_of, deleting
from jobs.admin.steering import asked_first, by, chosen
from tenants.clock import database_now
from tenants.models import Merchant
from tenants.secret_once import Revealed, reveal

TEST = ActionDialog(
    title="Send a test event?",
    description="A small event that says it is a test goes to this endpoint only. Look at the "
    "deliveries to see what it answered.",
    form_class=ConfirmEndpoint,
    form_submit_text="Send",
)
ENABLE = ActionDialog(
    title="Enable this endpoint?",
    description="It gets events again from now on. What it missed is sent when somebody asks for it: "
    "“Redeliver”.",
    form_class=ConfirmEndpoint,
    form_submit_text="Enable",
)
REDELIVER = ActionDialog(
    title="Send again what this endpoint did not get?",
    description="What failed or was cancelled, and what happened while it was off, oldest first, with the "
    "same ids and contents. At most 1,000 of each at once.",
    form_class=RedeliverSince,
    form_submit_text="Send again",
)
DELETE = ActionDialog(
    title="Delete this endpoint?",
    description="It gets nothing any more, and what is on its way to it is not sent.",
    form_class=ConfirmEndpoint,
    form_submit_text="Delete the endpoint",
)
EXPLANATION = (
    "Receivers verify the signature of each event with it (Standard Webhooks). Keep it where secrets "
    "are kept."
)
COLOURS = {"active": "success", "off": "default", "disabled": "danger"}


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(MadeByMembers):
    """Members look; merchant admins keep their merchants' endpoints. A secret is shown once."""

    form = EndpointForm
    refusals = REFUSALS
    actions = ("rotate",)
    actions_detail = ("test", "enable", "redeliver", "remove")
    list_display = ("endpoint", "hears_of", "shown_state", "answered")
    text_columns = ("url", "description")
    search_help_text = "Search by id, address or description"
    change_form_outer_after_template = "alerts/admin/endpoint_story.html"
    fieldsets = (
        (None, {"fields": ("merchant", "url", "description", "active")}),
        ("What it hears of", {"fields": ("events", "kind", "template_id")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        kept: QuerySet[Any] = super().get_queryset(request).filter(deleted_at=None)
        return kept.select_related("merchant")

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self.has_manage_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request, obj)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self._may(request, obj, True, True))

    def has_steer_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Which endpoints, the dialogs decide.
        return self.has_manage_permission(request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = Merchant.objects.manageable_by(request.user)
        return super().formfield_for_foreignkey(db_field, request, **{"required": True, **kwargs})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sections = super().get_fieldsets(request, obj)
        if obj is None:
            return sections
        return (*sections, ("How it goes (times in UTC)", {"fields": self._told(obj)}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return () if obj is None else ("merchant", *self._told(obj))

    def _told(self, endpoint: WebhookEndpoint) -> tuple[str, ...]:
        fields = ["shown_state", "answered", "failing"]
        if endpoint.disabled_at is not None:
            fields.append("why_disabled")
        return (*fields, "old_secret")

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        if not self.has_change_permission(request, row):
            return False
        active = {"test", "redeliver"} if row.state == "active" else {"enable"}
        return button in active | {"remove"}

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {"endpoint": row, "changes": changes_of(row)}

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        request.__dict__["_new_secret"] = form.new_secret
        return super().save_form(request, form, change)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        new = request.__dict__.pop("_new_secret")
        shown = [Revealed(owner=new.endpoint.url, text=new.secret)]
        return reveal(
            self, request, title="New webhook endpoint", explanation=EXPLANATION, secrets=shown
        )

    @action(
        description="New secret: the old one signs as well for 24 hours", permissions=["manage"]
    )
    def rotate(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        shown = []
        for row in chosen(request, self.manageable(request, queryset)):
            try:
                new = rotate_secret(row, None, now=database_now(), by=by(request))
            except REFUSALS as refusal:
                messages.error(request, f"{row}: {refusal}")
                continue
            self.log_change(request, row, "New secret.")
            shown.append(Revealed(owner=row.url, text=new.secret))
        if not shown:
            return None
        return reveal(self, request, title="New secret", explanation=EXPLANATION, secrets=shown)

    @asked_first(TEST, button="Send a test", path="test", variant=ActionVariant.DEFAULT)
    def test(self, request: HttpRequest, form: ConfirmEndpoint, object_id: str) -> HttpResponse:
        return self.steer_page(
            request,
            form.endpoint,
            lambda row, now: test_endpoint(row, now=now, by=by(request)),
            said="The test is on its way; look at the deliveries.",
            logged="Tested.",
        )

    @asked_first(ENABLE, button="Enable", path="enable", variant=ActionVariant.PRIMARY)
    def enable(self, request: HttpRequest, form: ConfirmEndpoint, object_id: str) -> HttpResponse:
        return self.steer_page(
            request,
            form.endpoint,
            lambda row, now: enable_endpoint(row, by=by(request)),
            said="The endpoint gets events again.",
            logged="Enabled.",
        )

    @asked_first(REDELIVER, button="Redeliver", path="redeliver", variant=ActionVariant.DEFAULT)
    def redeliver(self, request: HttpRequest, form: RedeliverSince, object_id: str) -> HttpResponse:
        number = form.result.redelivered
        said = f"{number:,} {'delivery is' if number == 1 else 'deliveries are'} on the way again."
        if not number:
            said = "There is nothing to send again: it got all, or it is on its way."
        if form.result.more:
            said += " There are more: ask again when these have arrived."
        return self.done_on_page(request, form.endpoint, said=said, logged="Redelivered.")

    @deleting(DELETE)
    def remove(self, request: HttpRequest, form: ConfirmEndpoint, object_id: str) -> HttpResponse:
        return self.delete_row(
            request, form.endpoint, lambda row, now: delete_endpoint(row, now=now, by=by(request))
        )

    @admin.display(description="Endpoint")
    def endpoint(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.description or endpoint.url

    @admin.display(description="Hears of")
    def hears_of(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.events)

    @admin.display(description="State")
    def shown_state(self, endpoint: WebhookEndpoint) -> str:
        return show.badge(endpoint.state, COLOURS[endpoint.state])

    @admin.display(description="Answered last")
    def answered(self, endpoint: WebhookEndpoint) -> str:
        return show.moment_in_list(endpoint.last_success_at)

    @admin.display(description="Fails since")
    def failing(self, endpoint: WebhookEndpoint) -> str:
        return show.moment(endpoint.failing_since)

    @admin.display(description="Why disabled")
    def why_disabled(self, endpoint: WebhookEndpoint) -> str:
        return f"{show.moment(endpoint.disabled_at)}: {endpoint.disabled_reason}"

    @admin.display(description="Old secret signs until")
    def old_secret(self, endpoint: WebhookEndpoint) -> str:
        return show.moment(endpoint.old_secret_until)
