"""/api/v1/flows: how many jobs run at once, how fast they start, and what is paused."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api import flow_schemas as schemas
from jobs.api.base import TaskFlowViewSet
from jobs.api.jobs import IDEMPOTENCY
from jobs.api.once import respond_once
from jobs.models import Flow
from jobs.operations import flows as operations
from jobs.operations.idempotency import Answer
from tenants.clock import database_now


class FlowViewSet(TaskFlowViewSet):
    """One merchant's own rules, and those that the operators set for it alone, which it may only read.

    The operators' rules over all merchants are not shown.
    """

    serializer_class = schemas.FlowSchema
    http_method_names = ["get", "head", "post", "patch", "delete"]
    required_scopes = {
        "list": Scope.JOBS_READ,
        "retrieve": Scope.JOBS_READ,
        "create": Scope.JOBS_WRITE,
        "partial_update": Scope.JOBS_WRITE,
        "destroy": Scope.JOBS_WRITE,
        "pause": Scope.JOBS_WRITE,
        "resume": Scope.JOBS_WRITE,
    }

    def get_queryset(self) -> QuerySet[Flow]:
        """Return the rules for the merchant."""
        if getattr(self, "swagger_fake_view", False):
            return Flow.objects.none()
        rules: QuerySet[Flow] = Flow.objects.of(self.merchant).order_by("-id")
        return rules

    @extend_schema(operation_id="flows_list", summary="List flow rules, newest first")
    def list(self, request: Request) -> Response:
        """One's own, and those that the operators set for oneself (`set_by_operators`)."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="flows_create",
        summary="Create a flow rule",
        request=schemas.NewFlowSchema,
        responses={201: schemas.FlowSchema},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """It holds for jobs that wait already, too; what workers have goes on."""
        merchant, by = self.merchant, self.actor

        def work(body: Any, now: datetime) -> Answer:
            flow = operations.create_flow(body, merchant=merchant, by=by, now=now)
            return Answer(status=201, body=schemas.flow_detail(flow))

        return respond_once(request, merchant, work)

    @extend_schema(operation_id="flows_retrieve", summary="Look at a flow rule")
    def retrieve(self, request: Request, pk: str) -> Response:
        """One's own, or one that the operators set for oneself."""
        return self._shown(self._flow(pk))

    @extend_schema(
        operation_id="flows_edit",
        summary="Change what a flow rule bounds",
        request=schemas.FlowLimitsSchema,
        responses={200: schemas.FlowSchema},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """A new rate begins with a full burst."""
        return self._shown(operations.edit_flow(self._own(pk), request.data, by=self.actor))

    @extend_schema(
        operation_id="flows_delete",
        summary="Delete a flow rule",
        request=None,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """What waits in its line goes on."""
        operations.delete_flow(self._own(pk), by=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="flows_pause",
        summary="Pause a flow rule's jobs",
        request=schemas.PauseFlowSchema,
        responses={200: schemas.FlowSchema},
    )
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """None of them starts until somebody resumes it; what runs goes on."""
        flow = operations.pause_flow(
            self._own(pk), request.data or None, by=self.actor, now=database_now()
        )
        return self._shown(flow)

    @extend_schema(
        operation_id="flows_resume",
        summary="Resume a flow rule's jobs",
        request=None,
        responses={200: schemas.FlowSchema},
    )
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """As its limit and rate allow."""
        return self._shown(operations.resume_flow(self._own(pk), by=self.actor))

    def _flow(self, pk: str) -> Flow:
        return self.found(self.get_queryset(), pk)

    def _own(self, pk: str) -> Flow:
        return operations.merchants_own(self._flow(pk))

    def _shown(self, flow: Flow) -> Response:
        return Response(schemas.flow_detail(flow))
