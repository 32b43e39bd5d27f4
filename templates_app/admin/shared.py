"""Pages of what merchants have of their own and share with the platform: calendars, windows."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from templates_app.admin.pages import SchedulePages
from templates_app.models import Calendar
from tenants.roles import Role
from tenants.scoping import merchant_ids


class SharedPages(SchedulePages):
    """Rows without a merchant are the platform's: everybody sees them, superusers change them."""

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if is_super(request.user):
            return queryset
        merchants = merchant_ids(request.user, roles=tuple(Role))
        if not merchants:
            return queryset.none()
        return queryset.filter(Q(merchant_id__in=merchants) | Q(merchant_id=None))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and not may_change(request, obj.merchant_id):
            return False
        return super().has_change_permission(request, obj)

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        return self.has_change_permission(request, row)

    def get_list_display(self, request: HttpRequest) -> Any:
        return [*self.list_display]

    def get_list_select_related(self, request: HttpRequest) -> Any:
        return ["merchant"]


def is_super(user: Any) -> bool:
    """Tell whether the person runs the platform."""
    return bool(user.is_active and user.is_superuser)


def may_change(request: HttpRequest, merchant_id: UUID | None) -> bool:
    """Tell whether the person may change what belongs to this merchant, or to the platform."""
    if is_super(request.user):
        return True
    return merchant_id in merchant_ids(request.user, roles=tuple(Role))


def visible_calendars(user: Any) -> QuerySet[Calendar]:
    """Return the calendars of the person's merchants and the platform's."""
    if is_super(user):
        return Calendar.objects.all()
    merchants = merchant_ids(user, roles=tuple(Role))
    if not merchants:
        return Calendar.objects.none()
    return Calendar.objects.filter(Q(merchant_id__in=merchants) | Q(merchant_id=None))
