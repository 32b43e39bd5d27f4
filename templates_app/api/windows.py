"""/api/v1/maintenance-windows: times in which occurrences are skipped or held back."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api.base import TaskFlowViewSet
from jobs.api.jobs import IDEMPOTENCY
from jobs.api.once import respond_once
from jobs.operations.idempotency import Answer
from templates_app.api import calendar_schemas as schemas
from templates_app.api.base import CHANGEABLE, own
from templates_app.api.filters import WindowFilters
from templates_app.api.representations import window_detail
from templates_app.models import MaintenanceWindow
from templates_app.operations import windows as operations
from tenants.clock import database_now


class WindowViewSet(TaskFlowViewSet):
    serializer_class = schemas.WindowSchema
    filterset_class = WindowFilters
    http_method_names = CHANGEABLE
    required_scopes = {
        "list": Scope.TEMPLATES_READ,
        "retrieve": Scope.TEMPLATES_READ,
        "create": Scope.TEMPLATES_WRITE,
        "partial_update": Scope.TEMPLATES_WRITE,
        "destroy": Scope.TEMPLATES_WRITE,
    }

    def get_queryset(self) -> QuerySet[MaintenanceWindow]:
        """Return the merchant's windows and the platform's."""
        if getattr(self, "swagger_fake_view", False):
            return MaintenanceWindow.objects.none()
        windows: QuerySet[MaintenanceWindow] = MaintenanceWindow.objects.usable_by(self.merchant)
        return windows

    @extend_schema(
        operation_id="maintenance_windows_list", summary="List maintenance windows, newest first"
    )
    def list(self, request: Request) -> Response:
        """One's own and the platform's."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="maintenance_windows_create",
        summary="Create a maintenance window",
        request=schemas.NewWindowSchema,
        responses={201: schemas.WindowSchema},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """For one template, or for all of them; what is planned within is planned again."""
        merchant = self.merchant

        def work(body: Any, now: datetime) -> Answer:
            window = operations.create_window(body, merchant=merchant, now=now, by=self.actor)
            return Answer(status=201, body=window_detail(window))

        return respond_once(request, merchant, work)

    @extend_schema(
        operation_id="maintenance_windows_retrieve", summary="Look at a maintenance window"
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """One's own or the platform's."""
        return Response(window_detail(self._window(pk)))

    @extend_schema(
        operation_id="maintenance_windows_edit",
        summary="Change a maintenance window",
        request=schemas.WindowEditSchema,
        responses={200: schemas.WindowSchema},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Naming one sort of times gives the other up."""
        window = own(self._window(pk))
        return Response(
            window_detail(
                operations.edit_window(window, request.data, now=database_now(), by=self.actor)
            )
        )

    @extend_schema(
        operation_id="maintenance_windows_delete",
        summary="Delete a maintenance window",
        request=None,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """What it would have held or skipped runs as planned."""
        operations.delete_window(own(self._window(pk)), now=database_now(), by=self.actor)
        return Response(status=204)

    def _window(self, pk: str) -> MaintenanceWindow:
        return self.found(self.get_queryset().select_related("merchant"), pk)
