"""Deliveries: who was told of what, and whether it arrived."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from alerts.models import Delivery
from alerts.models.delivery import DeliveryState
from alerts.wording import text_of
from jobs.admin import display as show
from jobs.admin.filters import ChoiceFilter
from jobs.admin.history import HistoryAdmin

STATE_COLOURS = {"pending": "info", "sent": "success", "failed": "danger"}


class DeliveryStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = [(state.value, str(state.label)) for state in DeliveryState]


@admin.register(Delivery)
class DeliveryAdmin(HistoryAdmin):
    """Read-only: jobs of the platform's merchant send them, a tick reads how these ended."""

    list_display = ("title", "channel", "event", "shown_state", "created")
    list_filter = (DeliveryStateFilter,)
    lookups = ("state",)
    id_columns = ("id", "job_id")
    search_help_text = "Search by id"
    fieldsets = (
        (None, {"fields": ("shown_state", "channel", "event", "merchant", "job_id")}),
        ("Times in UTC", {"fields": ("created", "ended")}),
        ("Message", {"fields": ("title", "text", "error")}),
    )

    def get_list_select_related(self, request: HttpRequest) -> Sequence[str]:
        return ["merchant", "channel"]

    @admin.display(description="Message")
    def title(self, delivery: Delivery) -> str:
        return str(delivery.message.get("title", "-"))

    @admin.display(description="Text")
    def text(self, delivery: Delivery) -> Any:
        return show.text_block(text_of(delivery.message))

    @admin.display(description="State")
    def shown_state(self, delivery: Delivery) -> str:
        return show.badge(delivery.state, STATE_COLOURS[delivery.state])

    @admin.display(description="Created")
    def created(self, delivery: Delivery) -> str:
        return show.moment(delivery.created_at)

    @admin.display(description="Ended")
    def ended(self, delivery: Delivery) -> str:
        return show.moment(delivery.ended_at)
