"""/api/v1/alert-policies: who is told of an incident, and after how long."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import schemas
from alerts.api.base import READ, WRITE, AlertsViewSet
from alerts.models import EscalationPolicy
from alerts.operations import policies as operations
from jobs.api.jobs import IDEMPOTENCY
from jobs.api.once import respond_once
from jobs.operations.idempotency import Answer


class PolicyViewSet(AlertsViewSet):
    """One merchant's escalation policies."""

    model = EscalationPolicy
    serializer_class = schemas.PolicySchema
    http_method_names = ["get", "head", "post", "patch", "delete"]
    required_scopes = {**READ, **WRITE}

    @extend_schema(
        operation_id="alert_policies_list", summary="List escalation policies, newest first"
    )
    def list(self, request: Request) -> Response:
        """One's own."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="alert_policies_create",
        summary="Create an escalation policy",
        request=schemas.NewPolicySchema,
        responses={201: schemas.PolicySchema},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """Its channels are one's own."""
        merchant, by = self.merchant, self.actor

        def work(body: Any, now: datetime) -> Answer:
            row = operations.create_policy(body, merchant=merchant, now=now, by=by)
            return Answer(status=201, body=schemas.policy_detail(row))

        return respond_once(request, merchant, work)

    @extend_schema(operation_id="alert_policies_retrieve", summary="Look at an escalation policy")
    def retrieve(self, request: Request, pk: str) -> Response:
        """One's own."""
        return self.shown(self.own(pk))

    @extend_schema(
        operation_id="alert_policies_edit",
        summary="Change an escalation policy",
        request=schemas.PolicyChangeSchema,
        responses={200: schemas.PolicySchema},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Open incidents go on from where they are."""
        return self.shown(operations.edit_policy(self.own(pk), request.data, by=self.actor))

    @extend_schema(
        operation_id="alert_policies_delete",
        summary="Delete an escalation policy",
        request=None,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Refused while a rule uses it."""
        operations.delete_policy(self.own(pk), by=self.actor)
        return Response(status=204)
