"""The audit trail: for merchant admins, of their merchants; for super admins, of all and of the platform."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from tenants.admin_scoping import MerchantScopedAdmin
from tenants.models import AuditEntry
from tenants.roles import Role


@admin.register(AuditEntry)
class AuditEntryAdmin(MerchantScopedAdmin):
    """Read-only: nobody changes what was done."""

    view_roles = (Role.MERCHANT_ADMIN,)
    superuser_may_add = False
    superuser_may_change = False
    superuser_may_delete = False
    list_per_page = 50
    list_max_show_all = 0
    sortable_by = ()
    ordering = ("-id",)
    list_display = ("when", "who", "what", "object_id", "address", "merchant")
    list_filter = ("merchant",)
    lookups = ("merchant__id__exact",)
    list_select_related = ("merchant",)
    search_fields = ("object_id",)
    search_help_text = "Search by the id of what something was done to"
    fields = (
        "when",
        "who",
        "address",
        "what",
        "object_id",
        "merchant",
        "was",
        "became",
        "number",
        "hash",
        "previous_hash",
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(object_id=str(UUID(term))), False
        except ValueError:
            return queryset.none(), False

    @display(description="When (UTC)")
    def when(self, entry: AuditEntry) -> str:
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    @display(description="Who")
    def who(self, entry: AuditEntry) -> str:
        key = entry.actor_kind == "api_key"
        return f"API key {entry.actor_name}" if key else entry.actor_name

    @display(description="What")
    def what(self, entry: AuditEntry) -> str:
        return str(entry)

    @display(description="Before")
    def was(self, entry: AuditEntry) -> str:
        return _block(entry.before)

    @display(description="After")
    def became(self, entry: AuditEntry) -> str:
        return _block(entry.after)


def _block(value: Any) -> str:
    if not value:
        return "-"
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html(
        '<pre class="font-mono text-xs whitespace-pre-wrap break-words">{}</pre>', text
    )
