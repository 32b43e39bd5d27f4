"""Who belongs to which merchant, and as what."""

from typing import Any, cast

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from unfold.decorators import display

from tenants.admin_scoping import MerchantScopedAdmin
from tenants.audit import person
from tenants.models import Membership, User
from tenants.operations import add_member, end_membership, resume_membership, set_role
from tenants.roles import Role


@admin.register(Membership)
class MembershipAdmin(MerchantScopedAdmin):
    """Super admins add people; merchant admins set roles and end memberships, except their own."""

    role_may_change = True
    list_display = ("user", "merchant", "shown_role", "active", "created_at")
    list_filter = ("merchant", "role", "active")
    lookups = ("merchant__id__exact", "role__exact", "active__exact")
    list_select_related = ("user", "merchant")
    search_fields = ("user__email", "user__name", "merchant__name")
    autocomplete_fields = ("user", "merchant")
    fields = ("user", "merchant", "role", "active")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user", "merchant") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Nobody locks himself out, or lifts himself up, by mistake.
        if obj is not None and not request.user.is_superuser and obj.user_id == request.user.pk:
            return False
        return super().has_change_permission(request, obj)

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        by = person(cast(User, request.user), request)
        if not change:
            made = add_member(merchant=obj.merchant, user=obj.user, role=Role(obj.role), by=by)
            obj.pk = made.pk
            if not obj.active:
                end_membership(membership=obj, by=by)
            return
        set_role(membership=obj, role=Role(obj.role), by=by)
        if obj.active:
            resume_membership(membership=obj, by=by)
        else:
            end_membership(membership=obj, by=by)

    @display(description="role", label={"merchant_admin": "info", "merchant_member": "default"})
    def shown_role(self, membership: Membership) -> tuple[str, str]:
        return membership.role, membership.get_role_display()
