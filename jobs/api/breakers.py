"""/api/v1/breakers: hosts that do not answer one's jobs, until they have recovered."""

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
from jobs.breaker import BreakerState, at_once
from jobs.models import Breaker
from jobs.operations.breakers import reset_breaker

STATES = [state.value for state in BreakerState]


def breaker_detail(breaker: Breaker) -> dict[str, Any]:
    """Return the public fields of a breaker that was read with its state."""
    most_active = {BreakerState.CLOSED: None, BreakerState.OPEN: 0}
    return {
        "id": str(breaker.pk),
        "handler": breaker.handler,
        "state": breaker.state,
        "most_active": most_active.get(BreakerState(breaker.state), at_once(breaker.answers)),
        "failures": breaker.failures,
        "error_code": breaker.error_code,
        "opened_at": moment(breaker.opened_at),
        "probe_at": moment(breaker.probe_at),
        "recovering_at": moment(breaker.recovering_at),
        "answers": breaker.answers,
        "changed_at": moment(breaker.changed_at),
    }


class BreakerSchema(Shown):
    """A host that has not answered of late, and how many of its jobs may go."""

    represent = staticmethod(breaker_detail)
    id = s.UUIDField()
    handler = s.CharField(help_text="The host, as jobs show it.")
    state = s.ChoiceField(
        choices=STATES,
        help_text="closed: all go. open: all wait. half_open: one tries it, and with each round of "
        "answers twice as many go.",
    )
    most_active = s.IntegerField(
        allow_null=True,
        help_text="How many of its jobs may be in workers' hands at once; null: any number.",
    )
    failures = s.IntegerField(help_text="Calls in a row that were not answered.")
    error_code = s.CharField(help_text="Of the last one.")
    opened_at = s.DateTimeField(allow_null=True, help_text="When it was given up.")
    probe_at = s.DateTimeField(allow_null=True, help_text="From then on one job tries it.")
    recovering_at = s.DateTimeField(allow_null=True, help_text="Since then it answers again.")
    answers = s.IntegerField(help_text="Calls that were answered since.")
    changed_at = s.DateTimeField()


class BreakerViewSet(TaskFlowViewSet):
    serializer_class = BreakerSchema
    http_method_names = ["get", "head", "post"]
    required_scopes = {"list": Scope.JOBS_READ, "reset": Scope.JOBS_WRITE}

    def get_queryset(self) -> QuerySet[Breaker]:
        """Return the merchant's."""
        if getattr(self, "swagger_fake_view", False):
            return Breaker.objects.none()
        breakers: QuerySet[Breaker] = Breaker.objects.of(self.merchant).with_state().order_by("-id")
        return breakers

    @extend_schema(operation_id="breakers_list", summary="List hosts that do not answer")
    def list(self, request: Request) -> Response:
        """Newest first; a host that answers, and did for a while, is not here."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="breakers_reset",
        summary="Take a host back at once",
        request=None,
        responses={204: None},
    )
    @action(detail=True, methods=["post"])
    def reset(self, request: Request, pk: str) -> Response:
        """All of its jobs go on, not step by step as after an answer."""
        reset_breaker(self.found(self.get_queryset(), pk), by=self.actor)
        return Response(status=204)
