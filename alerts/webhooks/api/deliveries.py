"""/api/v1/webhook-deliveries and /api/v1/webhook-events: what was told, and how it arrived."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.models import WebhookDelivery, WebhookEvent
from alerts.webhooks.api import representations, schemas
from alerts.webhooks.api.filters import WebhookDeliveryFilters, WebhookEventFilters
from alerts.webhooks.api.told import tell
from alerts.webhooks.operations.redelivery import redeliver
from apikeys.scopes import Scope
from jobs.api.base import TaskFlowViewSet
from tenants.clock import database_now


class WebhookEventViewSet(TaskFlowViewSet):
    serializer_class = schemas.WebhookEventSchema
    filterset_class = WebhookEventFilters
    http_method_names = ["get", "head"]
    required_scopes = {"list": Scope.WEBHOOKS_READ, "retrieve": Scope.WEBHOOKS_READ}

    def get_queryset(self) -> QuerySet[WebhookEvent]:
        """Return the merchant's events."""
        if getattr(self, "swagger_fake_view", False):
            return WebhookEvent.objects.none()
        rows: QuerySet[WebhookEvent] = WebhookEvent.objects.of(self.merchant)
        return rows.order_by("-id")

    @extend_schema(operation_id="webhook_events_list", summary="List events, newest first")
    def list(self, request: Request) -> Response:
        """Of the last 30 days; those that some endpoint subscribed to when they happened."""
        return self.page(self.get_queryset())

    @extend_schema(operation_id="webhook_events_retrieve", summary="Look at an event")
    def retrieve(self, request: Request, pk: str) -> Response:
        """With the body that its deliveries carry."""
        return Response(representations.event_detail(self.found(self.get_queryset(), pk)))


class WebhookDeliveryViewSet(TaskFlowViewSet):
    serializer_class = schemas.WebhookDeliverySchema
    filterset_class = WebhookDeliveryFilters
    http_method_names = ["get", "head", "post"]
    required_scopes = {
        "list": Scope.WEBHOOKS_READ,
        "retrieve": Scope.WEBHOOKS_READ,
        "redeliver": Scope.WEBHOOKS_WRITE,
    }

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        """Return the merchant's deliveries, to deleted endpoints as well."""
        if getattr(self, "swagger_fake_view", False):
            return WebhookDelivery.objects.none()
        rows: QuerySet[WebhookDelivery] = WebhookDelivery.objects.of(self.merchant)
        return rows.select_related("endpoint").order_by("-id")

    def paginate_queryset(self, queryset: Any) -> Any:
        """Return the page, with how each delivery went."""
        page = super().paginate_queryset(queryset)
        assert page is not None
        return tell(page)

    @extend_schema(operation_id="webhook_deliveries_list", summary="List deliveries, newest first")
    def list(self, request: Request) -> Response:
        """One endpoint's with `endpoint`, those that failed with `state`."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="webhook_deliveries_retrieve",
        summary="Look at a delivery",
        responses={200: schemas.WebhookDeliveryWithHistorySchema},
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """With all its attempts: what the endpoint answered, and how long it took."""
        [told] = tell([self.found(self.get_queryset(), pk)])
        return Response(representations.delivery_detail(told))

    @extend_schema(
        operation_id="webhook_deliveries_redeliver",
        summary="Send an event to its endpoint again",
        request=None,
        responses={200: schemas.WebhookDeliverySchema},
    )
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, pk: str) -> Response:
        """With the same id and body. One that was received is sent by a new delivery, answered here."""
        delivery = redeliver(self.found(self.get_queryset(), pk), now=database_now(), by=self.actor)
        [told] = tell([delivery])
        return Response(representations.delivery_summary(told))
