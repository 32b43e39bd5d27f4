"""/api/v1/redrives: run the jobs of many dead letters again, carefully."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api import redrive_schemas as schemas
from jobs.api.base import TaskFlowViewSet, bounded_time
from jobs.api.jobs import IDEMPOTENCY
from jobs.api.once import respond_once
from jobs.models import Redrive
from jobs.operations import redrives as operations
from jobs.operations.fields import Fields
from jobs.operations.idempotency import Answer
from tenants.clock import database_now


class RedriveViewSet(TaskFlowViewSet):
    serializer_class = schemas.RedriveSummarySchema
    http_method_names = ["get", "head", "post"]
    required_scopes = {
        "list": Scope.DEADLETTERS_READ,
        "retrieve": Scope.DEADLETTERS_READ,
        # Changes nothing, although it is sent like something that does.
        "dry_run": Scope.DEADLETTERS_READ,
        "create": Scope.DEADLETTERS_WRITE,
        "stop": Scope.DEADLETTERS_WRITE,
        "resume": Scope.DEADLETTERS_WRITE,
    }

    def get_queryset(self) -> QuerySet[Redrive]:
        """Return the merchant's redrives."""
        if getattr(self, "swagger_fake_view", False):
            return Redrive.objects.none()
        redrives: QuerySet[Redrive] = Redrive.objects.of(self.merchant)
        return redrives

    @extend_schema(operation_id="redrives_list", summary="List redrives, newest first")
    def list(self, request: Request) -> Response:
        """With how far each is."""
        return self.page(self.get_queryset())

    @extend_schema(operation_id="redrives_retrieve", summary="Look at a redrive")
    def retrieve(self, request: Request, pk: str) -> Response:
        """How many were redriven, succeeded, failed, and are left."""
        return self._shown(self.found(self.get_queryset(), pk))

    @extend_schema(
        operation_id="redrives_create",
        summary="Redrive many dead letters, one first",
        request=schemas.NewRedriveSchema,
        responses={201: schemas.RedriveSummarySchema},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """Of the letters that are open now, at most 100,000, the oldest first. One job goes; when it has
        succeeded a tenth of all, and when these have ended the rest, at most `rate` a second. A new
        failure stops it."""
        merchant, by = self.merchant, self.actor

        def work(body: Any, now: datetime) -> Answer:
            redrive = operations.begin(body, merchant=merchant, now=now, by=by)
            return Answer(status=201, body=schemas.redrive_detail(redrive))

        return respond_once(request, merchant, work)

    @extend_schema(
        operation_id="redrives_dry_run",
        summary="See what a redrive would do",
        request=schemas.NewRedriveSchema,
        responses={200: schemas.DryRunSchema},
    )
    @action(detail=False, methods=["post"], url_path="dry-run")
    def dry_run(self, request: Request) -> Response:
        """How many dead letters it would take, and what five of the jobs would run with."""
        with bounded_time():
            found = operations.dry_run(request.data, merchant=self.merchant)
        return Response(schemas.dry_run_detail(found))

    @extend_schema(
        operation_id="redrives_stop",
        summary="Stop a redrive",
        request=schemas.StopRedriveSchema,
        responses={200: schemas.RedriveSummarySchema},
    )
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        """No more jobs go; those that go end as they do."""
        redrive = self.found(self.get_queryset(), pk)
        body = request.data or None
        return self._shown(operations.stop(redrive, body, now=database_now(), by=self.actor))

    @extend_schema(
        operation_id="redrives_resume",
        summary="Resume a redrive",
        request=None,
        responses={200: schemas.RedriveSummarySchema},
    )
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Where it stopped; a first job that failed is followed by another one."""
        redrive = self.found(self.get_queryset(), pk)
        Fields(request.data, ()).raise_problems()
        return self._shown(operations.resume(redrive, by=self.actor))

    def _shown(self, redrive: Redrive) -> Response:
        return Response(schemas.redrive_detail(redrive))
