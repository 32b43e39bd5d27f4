"""/api/v1/webhook-endpoints: who hears of what, and their secrets."""

from dataclasses import asdict

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.models import WebhookEndpoint
from alerts.webhooks.api import representations, schemas
from alerts.webhooks.api.told import tell
from alerts.webhooks.operations import endpoints as operations
from alerts.webhooks.operations.redelivery import redeliver_since
from apikeys.scopes import Scope
from jobs.api.base import TaskFlowViewSet
from tenants.clock import database_now


class WebhookEndpointViewSet(TaskFlowViewSet):
    serializer_class = schemas.WebhookEndpointSchema
    http_method_names = ["get", "head", "post", "patch", "delete"]
    required_scopes = {
        "list": Scope.WEBHOOKS_READ,
        "retrieve": Scope.WEBHOOKS_READ,
        "create": Scope.WEBHOOKS_WRITE,
        "partial_update": Scope.WEBHOOKS_WRITE,
        "destroy": Scope.WEBHOOKS_WRITE,
        "rotate_secret": Scope.WEBHOOKS_WRITE,
        "test": Scope.WEBHOOKS_WRITE,
        "enable": Scope.WEBHOOKS_WRITE,
        "redeliver": Scope.WEBHOOKS_WRITE,
    }

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        """Return the merchant's endpoints."""
        if getattr(self, "swagger_fake_view", False):
            return WebhookEndpoint.objects.none()
        rows: QuerySet[WebhookEndpoint] = WebhookEndpoint.objects.of(self.merchant).kept()
        return rows.select_related("merchant").order_by("-id")

    @extend_schema(operation_id="webhook_endpoints_list", summary="List webhook endpoints")
    def list(self, request: Request) -> Response:
        """Newest first; without their secrets."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="webhook_endpoints_create",
        summary="Create a webhook endpoint",
        request=schemas.NewWebhookEndpointSchema,
        responses={201: schemas.WebhookEndpointWithSecretSchema},
    )
    def create(self, request: Request) -> Response:
        """It hears of what happens from a second later on. The answer shows its secret, once.

        No Idempotency-Key: the answer would have to be kept, and the secret with it.
        """
        new = operations.create_endpoint(request.data, merchant=self.merchant, by=self.actor)
        return Response(representations.with_secret(new), status=201)

    @extend_schema(operation_id="webhook_endpoints_retrieve", summary="Look at a webhook endpoint")
    def retrieve(self, request: Request, pk: str) -> Response:
        """Whether it answers, and why it was disabled if it was."""
        return self._shown(self._endpoint(pk))

    @extend_schema(
        operation_id="webhook_endpoints_edit",
        summary="Change a webhook endpoint",
        request=schemas.WebhookEndpointEditSchema,
        responses={200: schemas.WebhookEndpointSchema},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Deliveries under way follow within seconds. A disabled one is enabled by `enable`."""
        return self._shown(
            operations.edit_endpoint(self._endpoint(pk), request.data, by=self.actor)
        )

    @extend_schema(
        operation_id="webhook_endpoints_delete",
        summary="Delete a webhook endpoint",
        request=None,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """What is on its way to it is not sent any more."""
        operations.delete_endpoint(self._endpoint(pk), now=database_now(), by=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="webhook_endpoints_rotate_secret",
        summary="Give a webhook endpoint a new secret",
        request=schemas.RotateSecretSchema,
        responses={200: schemas.WebhookEndpointWithSecretSchema},
    )
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """Both sign while they overlap, a day unless told. The answer shows the new one, once."""
        new = operations.rotate_secret(
            self._endpoint(pk), request.data or None, now=database_now(), by=self.actor
        )
        return Response(representations.with_secret(new))

    @extend_schema(
        operation_id="webhook_endpoints_test",
        summary="Send a test event",
        request=None,
        responses={201: schemas.WebhookDeliverySchema},
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """To this endpoint only, whatever it subscribes to."""
        delivery = operations.test_endpoint(self._endpoint(pk), now=database_now(), by=self.actor)
        [told] = tell([delivery])
        return Response(representations.delivery_summary(told), status=201)

    @extend_schema(
        operation_id="webhook_endpoints_enable",
        summary="Switch a webhook endpoint on again",
        request=None,
        responses={200: schemas.WebhookEndpointSchema},
    )
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Also one that was disabled. What it missed is sent when you ask for it: `redeliver`."""
        return self._shown(operations.enable_endpoint(self._endpoint(pk), by=self.actor))

    @extend_schema(
        operation_id="webhook_endpoints_redeliver",
        summary="Send what a webhook endpoint did not get since a moment",
        request=schemas.RedeliverSinceSchema,
        responses={200: schemas.RedeliveredSchema},
    )
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, pk: str) -> Response:
        """What failed, and what was told while it was off; oldest first, at most 1,000 of each."""
        done = redeliver_since(self._endpoint(pk), request.data, now=database_now(), by=self.actor)
        return Response(asdict(done))

    def _endpoint(self, pk: str) -> WebhookEndpoint:
        return self.found(self.get_queryset(), pk)

    def _shown(self, endpoint: WebhookEndpoint) -> Response:
        return Response(representations.endpoint_detail(endpoint))
