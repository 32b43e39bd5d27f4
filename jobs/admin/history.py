"""Lists over history that may hold millions of rows: read-only, never counted, never slow for long."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from psycopg.errors import QueryCanceled
from tenants.admin_scoping import MerchantScopedAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.paginator import InfinitePaginator

LONGEST_READ_MS = 5_000
DEEPEST_PAGE = 200


class NewestFirstPages(InfinitePaginator):
    """Pages without a count; whoever wants to look further back narrows the list instead."""

    @property
    def count(self) -> int:
        """The number of rows that can be leafed through, not of those that exist."""
        return self.per_page * DEEPEST_PAGE


class HistoryAdmin(MerchantScopedAdmin):
    """The base of every list of jobs and of what became of them.

    Subclasses name `heavy_fields`, which a list does not load, and `lookups`, the parameters that
    its address may carry.
    """

    actions = ()
    list_filter_submit = True
    list_per_page = 50
    list_max_show_all = 0
    list_disable_select_all = True
    show_full_result_count = False
    # Facets count the whole table once for every choice.
    show_facets = admin.ShowFacets.NEVER
    paginator = NewestFirstPages
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
        queryset = super().get_queryset(request)
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
            wheres = [(f"{column}__icontains", term) for column in self.text_columns]
        else:
            wheres = [(column, wanted) for column in self.id_columns]
        return queryset.filter(Q(*wheres, _connector=Q.OR)) if wheres else queryset.none(), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Django would let any column through with any comparison, regular expressions among them.
        return lookup in self.lookups or lookup == "merchant__id__exact"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method != "GET":
            return super().changelist_view(request, extra_context)
        try:
            with _reading_for_at_most(LONGEST_READ_MS):
                return super().changelist_view(request, extra_context)
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled) or not request.GET:
                raise
        messages.error(
            request,
            "That search takes too long over all of history. Choose a time range or search by id.",
        )
        return HttpResponseRedirect(request.path)


@contextmanager
def _reading_for_at_most(milliseconds: int) -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
        yield


def sees_several_merchants(request: HttpRequest) -> bool:
    """Tell whether a merchant column is of use: for a superuser, or a member of more than one."""
    user: Any = request.user
    if user.is_superuser:
        return True
    known = getattr(request, "_sees_several_merchants", None)
    if known is None:
        memberships = user.memberships.filter(active=True, merchant__active=True)
        known = len(memberships.values_list("pk", flat=True)[:2]) > 1
        request._sees_several_merchants = known  # type: ignore[attr-defined]  # noqa: SLF001
    return bool(known)


def as_uuid(text: str) -> UUID | None:
    """Return the id in `text`; None when it is not one."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None
