"""/api/v1/incidents, /api/v1/alert-deliveries: trouble that was found, and who was told."""

from typing import Any

import django_filters as f  # type: ignore[import-untyped]
from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import schemas
from alerts.api.base import READ, AlertsViewSet
from alerts.models import Delivery, Incident
from alerts.models.delivery import DeliveryState
from alerts.models.incident import IncidentState
from alerts.operations import incidents as operations
from apikeys.scopes import Scope
from jobs.api.filters import CommaSeparated
from tenants.clock import database_now


class IncidentFilters(f.FilterSet):  # type: ignore[misc]
    state = f.MultipleChoiceFilter(choices=IncidentState.choices, widget=CommaSeparated)
    rule = f.UUIDFilter(field_name="rule_id")

    class Meta:
        model = Incident
        fields: list[str] = []


class DeliveryFilters(f.FilterSet):  # type: ignore[misc]
    state = f.MultipleChoiceFilter(choices=DeliveryState.choices, widget=CommaSeparated)
    channel = f.UUIDFilter(field_name="channel_id")
    incident = f.UUIDFilter(method="about")

    class Meta:
        model = Delivery
        fields: list[str] = []

    def about(self, rows: Any, name: str, value: Any) -> Any:
        """Return the messages about an incident."""
        return rows.filter(incidents__contains=[value])


class IncidentViewSet(AlertsViewSet):
    """One merchant's incidents."""

    model = Incident
    related = ("rule", "merchant")
    serializer_class = schemas.IncidentSchema
    filterset_class = IncidentFilters
    required_scopes = {
        **READ,
        "acknowledge": Scope.ALERTS_WRITE,
        "snooze": Scope.ALERTS_WRITE,
        "resolve": Scope.ALERTS_WRITE,
    }

    @extend_schema(operation_id="incidents_list", summary="List incidents, newest first")
    def list(self, request: Request) -> Response:
        """Of all states unless `state` names some."""
        return self.page(self.get_queryset())

    @extend_schema(operation_id="incidents_retrieve", summary="Look at an incident")
    def retrieve(self, request: Request, pk: str) -> Response:
        """Its count grows while the trouble goes on."""
        return self.shown(self.own(pk))

    @extend_schema(
        operation_id="incidents_acknowledge",
        summary="Acknowledge an incident",
        request=schemas.NoteSchema,
        responses={200: schemas.IncidentSchema},
    )
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Somebody looks after it: nobody else is told until it is over."""
        return self.shown(
            operations.acknowledge(
                self.own(pk), request.data or None, by=self.actor, now=database_now()
            )
        )

    @extend_schema(
        operation_id="incidents_snooze",
        summary="Keep quiet about an incident for a while",
        request=schemas.SnoozeSchema,
        responses={200: schemas.IncidentSchema},
    )
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """Then its policy goes on, if it is not over."""
        return self.shown(
            operations.snooze(self.own(pk), request.data, by=self.actor, now=database_now())
        )

    @extend_schema(
        operation_id="incidents_resolve",
        summary="Resolve an incident",
        request=schemas.NoteSchema,
        responses={200: schemas.IncidentSchema},
    )
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """Those who were told hear of it. Seen again, the trouble is a new incident."""
        return self.shown(
            operations.resolve(
                self.own(pk),
                request.data or None,
                by=self.actor,
                alerting=settings.TASKFLOW_ALERTING,
                now=database_now(),
            )
        )


class DeliveryViewSet(AlertsViewSet):
    """One merchant's messages."""

    model = Delivery
    related = ("channel",)
    serializer_class = schemas.DeliverySchema
    filterset_class = DeliveryFilters
    required_scopes = READ

    @extend_schema(operation_id="alert_deliveries_list", summary="List messages, newest first")
    def list(self, request: Request) -> Response:
        """To whom, about what, and whether they arrived."""
        return self.page(self.get_queryset())

    @extend_schema(operation_id="alert_deliveries_retrieve", summary="Look at a message")
    def retrieve(self, request: Request, pk: str) -> Response:
        """Its state follows the job that sends it, within a tick."""
        return self.shown(self.own(pk))
