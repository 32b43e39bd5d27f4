"""Idempotency records: answers that producers' repeated requests get again."""

import json

from django.contrib import admin

from jobs.admin import display as show
from jobs.admin.operators import OperatorsOnly
from jobs.models import IdempotencyRecord


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(OperatorsOnly):
    ordering = ("-id",)
    list_display = ("key", "merchant", "response_status", "created")
    list_select_related = ("merchant",)
    search_fields = ("=key",)
    search_help_text = "Search by the exact key"
    fields = ("merchant", "key", "response_status", "answer", "created")

    @admin.display(description="Created (UTC)")
    def created(self, record: IdempotencyRecord) -> str:
        return show.moment(record.created_at)

    @admin.display(description="Answer")
    def answer(self, record: IdempotencyRecord) -> str:
        return show.json_block(json.loads(record.response_text or "null"))
