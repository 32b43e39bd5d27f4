"""Webhook deliveries: what arrived where, what was answered; and sending again."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from alerts.models import WebhookDelivery, WebhookEvent
from alerts.webhooks.operations.endpoints import EndpointOff
from alerts.webhooks.operations.redelivery import EventForgotten, UnderWay, redeliver
from alerts.webhooks.queries import STATUSES_OF, standing, state_of
from jobs.admin import display as show
from jobs.admin.filters import ChoiceFilter
from jobs.admin.history import HistoryAdmin
from jobs.admin.made_by_members import MadeByMembers
from jobs.admin.steering import asked_first, by, seen_or_404
from jobs.models import AnyJob, Execution

COLOURS = {
    "succeeded": "success",
    "failed": "danger",
    "retrying": "warning",
    "sending": "primary",
    "waiting": "info",
}


class ConfirmDelivery(BaseDialogForm):
    """Asks about one delivery; one of somebody else's is answered as a missing one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visible = WebhookDelivery.objects.visible_to(self.request.user)
        self.delivery: WebhookDelivery = seen_or_404(
            visible.select_related("endpoint"), self.object_id
        )


AGAIN = ActionDialog(
    title="Send this event again?",
    description="It goes to the endpoint with the same id and content, so a receiver that has it "
    "already can tell.",
    form_class=ConfirmDelivery,
    form_submit_text="Send again",
)


class DeliveryStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = [(name, name.capitalize()) for name in STATUSES_OF]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value and value not in STATUSES_OF:
            raise IncorrectLookupParameters("state: no such value")
        return standing(queryset, [value]) if value else queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(HistoryAdmin):
    """Read-only; whoever sees a delivery may have it sent again."""

    actions_detail = ("again",)
    list_display = ("told", "shown_endpoint", "state", "attempts", "answer", "made")
    list_filter = (DeliveryStateFilter,)
    lookups = ("state",)
    id_columns = ("id", "event_id", "endpoint_id")
    search_help_text = "Search by the id of the delivery, the event or the endpoint"
    fieldsets = (
        (None, {"fields": ("told", "event_id", "shown_endpoint", "state", "attempts", "made")}),
        ("The last attempt", {"fields": ("answer", "error", "excerpt")}),
    )
    done_on_page = MadeByMembers.done_on_page
    back_to_page = MadeByMembers.back_to_page
    steer_page = MadeByMembers.steer_page
    _refused = (EndpointOff, EventForgotten, UnderWay)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # By sub-selects: a delivery is told of also when its job or its event is gone.
        job = AnyJob.objects.filter(pk=OuterRef("job_id"))
        last = Execution.objects.filter(job_id=OuterRef("job_id")).order_by("-number")
        told = WebhookEvent.objects.filter(pk=OuterRef("event_id"))
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("endpoint").annotate(
            told_type=Subquery(told.values("type")[:1]),
            job_status=Subquery(job.values("status")[:1]),
            job_attempt=Subquery(job.values("attempt")[:1]),
            last_status=Subquery(last.values("http_status")[:1]),
            last_error=Subquery(last.values("error_message")[:1]),
            last_output=Subquery(last.values("output")[:1]),
        )

    @asked_first(AGAIN, button="Send again", path="again", variant=ActionVariant.PRIMARY)
    def again(self, request: HttpRequest, form: ConfirmDelivery, object_id: str) -> HttpResponse:
        return self.steer_page(
            request,
            form.delivery,
            lambda row, now: redeliver(row, now=now, by=by(request)),
            said="The event is on its way again.",
            logged="Sent again.",
        )

    @admin.display(description="Event")
    def told(self, delivery: Any) -> str:
        return delivery.told_type or "forgotten"

    @admin.display(description="Endpoint")
    def shown_endpoint(self, delivery: WebhookDelivery) -> str:
        return str(delivery.endpoint)

    @admin.display(description="State")
    def state(self, delivery: Any) -> str:
        words = state_of(delivery.job_status)
        return show.badge(words, COLOURS.get(words, "default"))

    @admin.display(description="Attempts")
    def attempts(self, delivery: Any) -> str:
        return str(delivery.job_attempt or 0)

    @admin.display(description="Answer")
    def answer(self, delivery: Any) -> str:
        took = (delivery.last_output or {}).get("duration_ms")
        status = "-" if delivery.last_status is None else str(delivery.last_status)
        return status if took is None else f"{status} in {took:,} ms"

    @admin.display(description="Error")
    def error(self, delivery: Any) -> str:
        return delivery.last_error or "-"

    @admin.display(description="Answer's beginning")
    def excerpt(self, delivery: Any) -> str:
        text = (delivery.last_output or {}).get("body", "")
        return show.text_block(text) if text else "-"

    @admin.display(description="Made (UTC)")
    def made(self, delivery: WebhookDelivery) -> str:
        return show.moment_in_list(delivery.created_at)
