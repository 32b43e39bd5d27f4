"""The base of every admin page over what merchants own.

A page starts from the queryset's `visible_to`, so another merchant's object is answered exactly like a
missing one. What a person may do there follows from its role in the object's merchant, never from
Django's own permission tables.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import RelatedFieldListFilter
from django.contrib.admin.utils import NotRelationField, get_fields_from_path
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from tenants.roles import Role
from tenants.scoping import ScopedQuerySet, merchant_ids


class VisibleOnlyFilter(RelatedFieldListFilter):
    """Filters by a related object and offers only those that the reader may see."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, Any]]:
        visible = scoped(field.related_model).visible_to(_user(request))
        return [(str(row.pk), str(row)) for row in visible[:200]]


class MerchantScopedAdmin(ModelAdmin):
    """A page over a model whose manager is a `ScopedQuerySet`.

    Members may look, merchant admins may do what the `role_may_…` switches open, superusers all of
    that in every merchant and what `superuser_may_…` opens besides. `lookups` names the parameters
    that a list's address may carry: those of its filters.
    """

    lookups: Sequence[str] = ()
    show_full_result_count = False
    # Who is let in at all; the pages of keys set MERCHANT_ADMIN.
    view_roles: tuple[Role, ...] = tuple(Role)
    role_may_add = False
    role_may_change = False
    role_may_delete = False
    superuser_may_add = True
    superuser_may_change = True
    superuser_may_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return what the person may see; the page's only source of objects."""
        queryset: QuerySet[Any] = super().get_queryset(request)
        return self.visible(request, queryset)

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow `queryset` to what the person may see on this page."""
        assert isinstance(queryset, ScopedQuerySet)
        if Role.MERCHANT_MEMBER in self.view_roles:
            return queryset.visible_to(_user(request))
        return queryset.manageable_by(_user(request))

    def manageable(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow an action's `queryset` to the rows that the person may change."""
        assert isinstance(queryset, ScopedQuerySet)
        return queryset.manageable_by(_user(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return bool(_is_super(request) or holds_role(request, self.view_roles))
        return bool(self.visible(request, scoped(type(obj))).filter(pk=obj.pk).exists())

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self._may(request, None, self.role_may_add, self.superuser_may_add)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj, self.role_may_change, self.superuser_may_change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj, self.role_may_delete, self.superuser_may_delete)

    def has_manage_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person steers any merchant; actions ask, then narrow by `manageable`."""
        return self._may(request, obj, True, True)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Django would let any column through with any comparison: secrets could be guessed letter by
        # letter, and regular expressions would reach PostgreSQL, which also refuses U+0000.
        offered = lookup in self.lookups and "\x00" not in value
        return offered and bool(super().lookup_allowed(lookup, value, request))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        # It would delete every visible row, also where the person may only look.
        actions.pop("delete_selected", None)
        return actions

    def get_list_filter(self, request: HttpRequest) -> Sequence[Any]:
        # Django's own filter offers the names of all related objects, other merchants' among them.
        return [self._scoped_filter(item) for item in super().get_list_filter(request)]

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        related: Any = db_field.related_model
        if _is_scoped(related):
            kwargs.setdefault("queryset", scoped(related).manageable_by(_user(request)))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _may(self, request: HttpRequest, obj: Any, role_may: bool, superuser_may: bool) -> bool:
        if _is_super(request):
            return superuser_may
        if not role_may or not holds_role(request, (Role.MERCHANT_ADMIN,)):
            return False
        if obj is None:
            return True
        return bool(self.manageable(request, scoped(type(obj))).filter(pk=obj.pk).exists())

    def _scoped_filter(self, item: Any) -> Any:
        if not isinstance(item, str):
            return item
        try:
            field = get_fields_from_path(self.model, item)[-1]
        except NotRelationField:
            return item
        related: Any = getattr(field, "related_model", None)
        if related is not None and _is_scoped(related):
            return (item, VisibleOnlyFilter)
        return item


def holds_role(request: HttpRequest, roles: tuple[Role, ...]) -> bool:
    """Say whether the person holds one of `roles` in any merchant; asks once per request."""
    known: dict[tuple[Role, ...], bool] = request.__dict__.setdefault("_held_roles", {})
    if roles not in known:
        known[roles] = bool(merchant_ids(_user(request), roles=roles))
    return known[roles]


def scoped(model: type[Model]) -> ScopedQuerySet[Any]:
    """Return all rows of a model of merchants', ready to be narrowed; TypeError for others."""
    queryset = model._default_manager.all()  # noqa: SLF001
    if not isinstance(queryset, ScopedQuerySet):
        raise TypeError(f"{model.__name__} needs a manager made of a ScopedQuerySet.")
    return queryset


def _is_scoped(model: type[Model]) -> bool:
    return isinstance(model._default_manager.all(), ScopedQuerySet)  # noqa: SLF001


def _user(request: HttpRequest) -> Any:
    return request.user


def _is_super(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
