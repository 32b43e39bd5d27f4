"""/api/v1/alert-channels: where messages about incidents go."""

from datetime import datetime
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import schemas
from alerts.api.base import READ, WRITE, AlertsViewSet
from alerts.models import Channel
from alerts.operations import channels as operations
from apikeys.scopes import Scope
from jobs.api.jobs import IDEMPOTENCY
from jobs.api.once import respond_once
from jobs.operations.idempotency import Answer
from tenants.clock import database_now


class ChannelViewSet(AlertsViewSet):
    """One merchant's channels; what it takes to write there is write-only."""

    model = Channel
    serializer_class = schemas.ChannelSchema
    http_method_names = ["get", "head", "post", "patch", "delete"]
    required_scopes = {**READ, **WRITE, "test": Scope.ALERTS_WRITE}

    @extend_schema(operation_id="alert_channels_list", summary="List channels, newest first")
    def list(self, request: Request) -> Response:
        """One's own."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="alert_channels_create",
        summary="Create a channel",
        request=schemas.NewChannelSchema,
        responses={201: schemas.ChannelSchema},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """Its settings are sealed, and never shown again."""
        merchant, by = self.merchant, self.actor

        def work(body: Any, now: datetime) -> Answer:
            row = operations.create_channel(body, merchant=merchant, now=now, by=by)
            return Answer(status=201, body=schemas.channel_detail(row))

        return respond_once(request, merchant, work)

    @extend_schema(operation_id="alert_channels_retrieve", summary="Look at a channel")
    def retrieve(self, request: Request, pk: str) -> Response:
        """One's own."""
        return self.shown(self.own(pk))

    @extend_schema(
        operation_id="alert_channels_edit",
        summary="Change a channel",
        request=schemas.ChannelChangeSchema,
        responses={200: schemas.ChannelSchema},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """The settings of its kind are named all together."""
        return self.shown(operations.edit_channel(self.own(pk), request.data, by=self.actor))

    @extend_schema(
        operation_id="alert_channels_delete",
        summary="Delete a channel",
        request=None,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Refused while a policy names it."""
        operations.delete_channel(self.own(pk), by=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="alert_channels_test",
        summary="Send a test message to a channel",
        request=None,
        responses={202: schemas.DeliverySchema},
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """What became of it is in the channel's deliveries, some seconds later."""
        delivery = operations.try_channel(
            self.own(pk),
            by=self.actor,
            alerting=settings.TASKFLOW_ALERTING,
            now=database_now(),
        )
        return Response(schemas.delivery_detail(delivery), status=202)
