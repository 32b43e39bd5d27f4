"""Merchants: super admins make them, merchant admins keep their own in order."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from tenants.admin_scoping import MerchantScopedAdmin
from tenants.audit import Actor, person
from tenants.models import Merchant, User
from tenants.operations import SecretChangedMeanwhile, rotate_signing_secret, store_merchant
from tenants.secret_once import Revealed, reveal

_OPERATORS_FIELDS = (
    "slug",
    "active",
    "max_waiting_jobs",
    "weight",
    "max_templates",
    "requests_per_minute",
    "dead_letter_days",
    "keep_jobs_days",
    "keep_executions_days",
)


@admin.register(Merchant)
class MerchantAdmin(MerchantScopedAdmin):
    """A merchant admin changes name and time zone; slug, activity and quotas are the operator's."""

    role_may_change = True
    list_display = ("name", "slug", "shown_active", "time_zone", "created_at")
    list_filter = ("active",)
    lookups = ("active__exact",)
    search_fields = ("name", "slug")
    actions = ("rotate_secret",)
    readonly_fields = ("shown_signing_secret", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "slug", "time_zone", "active")}),
        (
            "Quotas",
            {"fields": ("max_waiting_jobs", "max_templates", "requests_per_minute", "weight")},
        ),
        (
            "Retention",
            {"fields": ("keep_jobs_days", "keep_executions_days", "dead_letter_days")},
        ),
        ("Signing", {"fields": ("shown_signing_secret",)}),
        (None, {"fields": ("created_at",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        if not request.user.is_superuser:
            return (*self.readonly_fields, *_OPERATORS_FIELDS)
        return (*self.readonly_fields, "slug") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Merchant, form: Any, change: bool) -> None:
        store_merchant(obj, by=_by(request))

    @display(description="active", label={"active": "success", "switched off": "danger"})
    def shown_active(self, merchant: Merchant) -> str:
        return "active" if merchant.active else "switched off"

    @display(description="signing secret")
    def shown_signing_secret(self, merchant: Merchant) -> str:
        return "whsec_•••• (rotate it to see a new one, once)"

    @action(description="Rotate the signing secret", permissions=["manage"])
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        revealed = []
        for merchant in self.manageable(request, queryset):
            try:
                text = rotate_signing_secret(merchant=merchant, by=_by(request))
            except SecretChangedMeanwhile as error:
                messages.error(request, f"{merchant}: {error}")
                continue
            self.log_change(request, merchant, "Rotated the signing secret.")
            revealed.append(Revealed(owner=merchant.name, text=text))
        if not revealed:
            messages.warning(request, "No signing secret was rotated.")
            return None
        return reveal(
            self,
            request,
            title="New signing secret",
            explanation="Requests are signed with it from now on; give it to the receivers.",
            secrets=revealed,
        )


def _by(request: HttpRequest) -> Actor:
    return person(cast(User, request.user), request)
