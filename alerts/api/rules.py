"""/api/v1/alert-rules: what counts as trouble."""

from datetime import datetime
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import schemas
from alerts.api.base import READ, WRITE, AlertsViewSet
from alerts.models import Rule
from alerts.operations import rules as operations
from jobs.api.jobs import IDEMPOTENCY
from jobs.api.once import respond_once
from jobs.operations.idempotency import Answer
from tenants.clock import database_now


class RuleViewSet(AlertsViewSet):
    """One merchant's rules; they look at its own work."""

    model = Rule
    serializer_class = schemas.RuleSchema
    http_method_names = ["get", "head", "post", "patch", "delete"]
    required_scopes = {**READ, **WRITE}

    @extend_schema(operation_id="alert_rules_list", summary="List alert rules, newest first")
    def list(self, request: Request) -> Response:
        """One's own."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="alert_rules_create",
        summary="Create an alert rule",
        request=schemas.NewRuleSchema,
        responses={201: schemas.RuleSchema},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """What happened before is no news to it."""
        merchant, by = self.merchant, self.actor

        def work(body: Any, now: datetime) -> Answer:
            row = operations.create_rule(body, merchant=merchant, now=now, by=by)
            return Answer(status=201, body=schemas.rule_detail(row))

        return respond_once(request, merchant, work)

    @extend_schema(operation_id="alert_rules_retrieve", summary="Look at an alert rule")
    def retrieve(self, request: Request, pk: str) -> Response:
        """One's own."""
        return self.shown(self.own(pk))

    @extend_schema(
        operation_id="alert_rules_edit",
        summary="Change an alert rule",
        request=schemas.RuleChangeSchema,
        responses={200: schemas.RuleSchema},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """A rule that is switched off resolves its incidents."""
        return self.shown(
            operations.edit_rule(
                self.own(pk),
                request.data,
                now=database_now(),
                alerting=settings.TASKFLOW_ALERTING,
                by=self.actor,
            )
        )

    @extend_schema(
        operation_id="alert_rules_delete",
        summary="Delete an alert rule",
        request=None,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Its incidents go with it."""
        operations.delete_rule(
            self.own(pk),
            now=database_now(),
            alerting=settings.TASKFLOW_ALERTING,
            by=self.actor,
        )
        return Response(status=204)
