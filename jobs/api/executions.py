"""/api/v1/executions: attempts, of all of a merchant's jobs."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api import schemas
from jobs.api.base import TaskFlowViewSet
from jobs.api.filters import ExecutionFilters
from jobs.api.representations import execution
from jobs.models import Execution


class ExecutionViewSet(TaskFlowViewSet):
    serializer_class = schemas.ExecutionSchema
    filterset_class = ExecutionFilters
    required_scopes = {"list": Scope.JOBS_READ, "retrieve": Scope.JOBS_READ}

    def get_queryset(self) -> QuerySet[Execution]:
        """Return the finished attempts of the merchant's jobs."""
        if getattr(self, "swagger_fake_view", False):
            return Execution.objects.none()
        attempts: QuerySet[Execution] = Execution.objects.of(self.merchant)
        return attempts

    @extend_schema(operation_id="executions_list", summary="List finished attempts, newest first")
    def list(self, request: Request) -> Response:
        """A job's running attempt is in the list of its own attempts."""
        return self.page(self.get_queryset())

    @extend_schema(operation_id="executions_retrieve", summary="Look at an attempt")
    def retrieve(self, request: Request, pk: str) -> Response:
        """With its output, its error and the lines it logged."""
        return Response(execution(self.found(self.get_queryset(), pk)))
