"""Lists over history that may hold millions of rows: read-only, never counted, never slow for long."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from jobs.admin.bounded_reads import TookTooLong, reading_for_at_most
from jobs.admin.paging import InfinitePaginator
from tenants.admin_scoping import MerchantScopedAdmin
from tenants.roles import Role
from tenants.scoping import merchant_ids

LONGEST_READ = 5.0  # seconds


class HistoryAdmin(MerchantScopedAdmin):
    """The base of every list of jobs and of what became of them.

    Subclasses name `heavy_fields`, which a list does not load, and `lookups`, the parameters that
    its address may carry.
    """

    actions: Sequence[str] = ()
    list_filter_submit = True
    list_per_page = 50
    list_max_show_all = 0
    list_disable_select_all = True
    show_full_result_count = False
    # Facets count the whole table once for every choice.
    show_facets = admin.ShowFacets.NEVER
    paginator = InfinitePaginator
    # A click on a column's head would sort all of history.
    sortable_by = ()
    heavy_fields: Sequence[str] = ()
    lookups: Sequence[str] = ()
    # A search term that is an id is looked up here; any other one in `text_columns`.
    search_fields = ("id",)
    id_columns: Sequence[str] = ("id",)
    text_columns: Sequence[str] = ()

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_steer_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see work may steer it; whose work that is, the queryset decides."""
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.deferring(request, super().get_queryset(request))

    def deferring(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows without their heavy fields for a list, with them for a page of one."""
        match = request.resolver_match
        if match and match.url_name and match.url_name.endswith("_changelist"):
            return queryset.defer(*self.heavy_fields)
        return queryset

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        return [*self.list_display, *(["merchant"] if sees_several_merchants(request) else [])]

    def get_list_select_related(self, request: HttpRequest) -> Sequence[str]:
        return ["merchant"] if sees_several_merchants(request) else []

    def get_list_filter(self, request: HttpRequest) -> Sequence[Any]:
        several = sees_several_merchants(request)
        return [*self.list_filter, *([("merchant", AutocompleteSelectFilter)] if several else [])]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = as_uuid(term)
        if wanted is None:
            wheres = [Q((f"{column}__icontains", term)) for column in self.text_columns]
        else:
            wheres = [Q((column, wanted)) for column in self.id_columns]
        return (queryset.filter(reduce(or_, wheres)) if wheres else queryset.none()), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Django would let any column through with any comparison, regular expressions among them.
        return lookup in self.lookups or lookup == "merchant__id__exact"

    def row_at(self, request: HttpRequest, object_id: Any) -> Any:
        """Return the row with this id if the person may see it, else None."""
        wanted = as_uuid(str(object_id))
        return self.get_queryset(request).filter(pk=wanted).first() if wanted else None

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the templates of a row's page show beside its fields."""
        return {}

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        """Tell whether a row's page has the button with this path, of those in `actions_detail`."""
        return True

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        buttons = super().get_actions_detail(request, object_id)
        row = self.row_at(request, object_id) if buttons else None
        if row is None:
            return []
        return [one for one in buttons if self.offers(request, row, one.path.removesuffix("/"))]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.row_at(request, object_id) if object_id else None
        told = self.page_context(request, row) if row else {}
        context = {**(extra_context or {}), **told}
        page: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        return page

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method != "GET":
            return self._listed(request, extra_context)
        try:
            with reading_for_at_most(LONGEST_READ):
                return self._listed(request, extra_context)
        except TookTooLong:
            if not request.GET:
                raise
        messages.error(
            request,
            "That search takes too long over all of history. Choose a time range or search by id.",
        )
        return HttpResponseRedirect(request.path)

    def _listed(self, request: HttpRequest, extra_context: Any) -> HttpResponse:
        page: HttpResponse = super().changelist_view(request, extra_context)
        return page


def sees_several_merchants(request: HttpRequest) -> bool:
    """Tell whether a merchant column is of use: for a superuser, or a member of more than one."""
    if request.user.is_active and request.user.is_superuser:
        return True
    if "_sees_several_merchants" not in request.__dict__:
        seen = merchant_ids(request.user, roles=tuple(Role))
        request.__dict__["_sees_several_merchants"] = len(seen) > 1
    return bool(request.__dict__["_sees_several_merchants"])


def as_uuid(text: str) -> UUID | None:
    """Return the id in `text`; None when it is not one."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None
