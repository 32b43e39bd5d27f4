"""Webhook events: what happened that somebody subscribed to. Read-only."""

import json

from django.contrib import admin

from alerts.models import WebhookEvent
from alerts.webhooks.events import ENDPOINT_TEST, TYPES
from jobs.admin import display as show
from jobs.admin.filters import ChoiceFilter
from jobs.admin.history import HistoryAdmin


class TypeFilter(ChoiceFilter):
    title = "type"
    parameter_name = "type"
    options = [(name, name) for name in (*TYPES, ENDPOINT_TEST)]


@admin.register(WebhookEvent)
class WebhookEventAdmin(HistoryAdmin):
    """Written with what they tell of; forgotten after 30 days."""

    list_display = ("type", "subject", "happened")
    list_filter = (TypeFilter,)
    lookups = ("type",)
    heavy_fields = ("body",)
    id_columns = ("id", "subject")
    search_help_text = "Search by the id of the event, or of what it is about"
    fieldsets = ((None, {"fields": ("type", "subject", "happened", "sent")}),)

    @admin.display(description="Happened (UTC)")
    def happened(self, event: WebhookEvent) -> str:
        return show.moment_in_list(event.created_at)

    @admin.display(description="What is sent")
    def sent(self, event: WebhookEvent) -> str:
        return show.json_block(json.loads(event.body))
