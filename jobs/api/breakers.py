"""/api/v1/breakers: hosts that do not answer one's jobs."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api.base import TaskFlowViewSet
from jobs.api.representations import moment
from jobs.api.schemas import Shown
from jobs.models import Breaker
from jobs.operations.breakers import reset_breaker


def breaker_detail(breaker: Breaker) -> dict[str, Any]:
    """Return the public fields of a host's failures in a row."""
    return {
        "id": str(breaker.pk),
        "handler": breaker.handler,
        "open": breaker.opened_at is not None,
        "failures": breaker.failures,
        "error_code": breaker.error_code,
        "opened_at": moment(breaker.opened_at),
        "probe_at": moment(breaker.probe_at),
        "changed_at": moment(breaker.changed_at),
    }


class BreakerSchema(Shown):
    """A host that has not answered of late. Open: its jobs wait, and one at a time tries it."""

    represent = staticmethod(breaker_detail)
    id = s.UUIDField()
    handler = s.CharField(help_text="The host, as jobs show it.")
    open = s.BooleanField()
    failures = s.IntegerField(help_text="Calls in a row that were not answered.")
    error_code = s.CharField(help_text="Of the last one.")
    opened_at = s.DateTimeField(allow_null=True)
    probe_at = s.DateTimeField(allow_null=True, help_text="From then on one job tries it.")
    changed_at = s.DateTimeField()


class BreakerViewSet(TaskFlowViewSet):
    serializer_class = BreakerSchema
    http_method_names = ["get", "head", "post"]
    required_scopes = {"list": Scope.JOBS_READ, "reset": Scope.JOBS_WRITE}

    def get_queryset(self) -> QuerySet[Breaker]:
        """Return the merchant's."""
        if getattr(self, "swagger_fake_view", False):
            return Breaker.objects.none()
        breakers: QuerySet[Breaker] = Breaker.objects.of(self.merchant).order_by("-id")
        return breakers

    @extend_schema(operation_id="breakers_list", summary="List hosts that do not answer")
    def list(self, request: Request) -> Response:
        """Newest first; a host that answers is not here."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="breakers_reset",
        summary="Take a host back at once",
        request=None,
        responses={204: None},
    )
    @action(detail=True, methods=["post"])
    def reset(self, request: Request, pk: str) -> Response:
        """Its jobs go on as if it had answered."""
        reset_breaker(self.found(self.get_queryset(), pk))
        return Response(status=204)
