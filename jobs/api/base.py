"""What all views of this API share."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import QuerySet
from django.http import Http404
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apikeys.permissions import HasScope
from apikeys.principals import Producer, producing
from jobs.api.parsers import refuse_chunked
from tenants.audit import Actor
from tenants.models import Merchant

LIST_SECONDS = 5
M = TypeVar("M", bound=models.Model)


class UnknownParameter(ValueError):
    """The query names something that this address does not know."""

    def __init__(self, names: list[str], known: list[str]) -> None:
        self.names = names
        self.remedy = f"known are {', '.join(known)}." if known else "this address takes none."
        super().__init__(f"Unknown query parameter {', '.join(names)[:200]}: {self.remedy}")


class TaskFlowViewSet(GenericViewSet[Any]):
    """A view set of one merchant's objects. Subclasses start every query from `self.merchant`."""

    permission_classes = [HasScope]
    required_scopes: ClassVar[Mapping[str, str]] = {}
    lookup_value_regex = "[^/]+"  # a garbage id is a missing one: 404, not an unknown address
    # No OPTIONS: it would describe the views to whoever asks.
    http_method_names = ["get", "head", "post", "patch"]
    # Query parameters of actions that are not lists.
    parameters: ClassVar[dict[str, tuple[str, ...]]] = {}
    filterset_class: Any = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, authorise, throttle; then refuse unknown query parameters by name."""
        if str(request.method).lower() not in self.http_method_names:
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)
        refuse_chunked(request)
        known = self._known_parameters()
        unknown = sorted(set(request.query_params) - set(known))
        if unknown:
            raise UnknownParameter(unknown, known)

    @property
    def merchant(self) -> Merchant:
        """Whose objects this request may see."""
        return self.producer.merchant

    @property
    def producer(self) -> Producer:
        """Who sends the request; HasScope let nobody else in."""
        producer = self.request.user
        assert isinstance(producer, Producer)
        return producer

    @property
    def actor(self) -> Actor:
        """Who sends the request, and from where."""
        return producing(self.producer, self.request)

    def found(self, rows: QuerySet[M], key: str) -> M:
        """Return the row with this id. Raises Http404, for a garbage id as well."""
        try:
            wanted = UUID(key)
        except ValueError:
            raise Http404 from None
        row = rows.filter(pk=wanted).first()
        if row is None:
            raise Http404
        return row

    def page(self, rows: QuerySet[Any]) -> Response:
        """Return the page of `rows` that the request asks for, filtered as it says."""
        with bounded_time():
            page = self.paginate_queryset(self.filter_queryset(rows))
        assert page is not None
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def _known_parameters(self) -> list[str]:
        known = list(self.parameters.get(self.action, ()))
        if self.lists and self.filterset_class is not None:
            known += sorted(self.filterset_class.base_filters)
        if self.lists and self.pagination_class is not None:
            known += ["cursor", "page_size"]
        return known

    @property
    def lists(self) -> bool:
        """Whether the action answers a page."""
        return self.action == "list"


@contextmanager
def bounded_time(seconds: int = LIST_SECONDS) -> Iterator[None]:
    """Let PostgreSQL end any statement within after so many seconds (an OperationalError)."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(seconds * 1000)])
        yield
        # A surrounding transaction (there is none in requests) goes on without the bound.
        cursor.execute("SELECT set_config('statement_timeout', '0', true)")
