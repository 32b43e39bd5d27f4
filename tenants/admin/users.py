"""People: managed by super admins, seen by those who share a merchant with them."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from tenants.admin_scoping import MerchantScopedAdmin
from tenants.audit import person
from tenants.models import User
from tenants.operations import store_user

# What people may do follows from memberships; groups of Django's permissions would promise more.
admin.site.unregister(Group)


class NewUserForm(UserCreationForm):
    """Asks for the address and a first password."""

    class Meta:
        model = User
        fields = ("email", "name")


class ChangedUserForm(UserChangeForm):
    """Shows that there is a password, never which."""

    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(MerchantScopedAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]
    """Others see name and address of their colleagues; the rest is for super admins."""

    form = ChangedUserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_active", "is_staff", "is_superuser")
    list_filter = ("is_active", "is_superuser")
    lookups = ("is_active__exact", "is_superuser__exact")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "created_at")
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)
    _colleague = ((None, {"fields": ("email", "name", "is_active")}),)
    _complete = (
        (None, {"fields": ("email", "name", "password")}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        store_user(obj, by=person(cast(User, request.user), request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        return self._complete if request.user.is_superuser else self._colleague
