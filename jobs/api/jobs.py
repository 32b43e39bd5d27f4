"""/api/v1/jobs: create, find, look at and steer jobs."""

from contextlib import suppress
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs import queries
from jobs.api import new_jobs, schemas
from jobs.api.base import TaskFlowViewSet, bounded_time
from jobs.api.filters import JobFilters
from jobs.api.graph_schemas import GraphSchema
from jobs.api.once import HEADER, respond_once
from jobs.api.pagination import NewestFirst
from jobs.api.parsers import BATCH_BODY, SINGLE_BODY
from jobs.api.representations import execution, graph, job_detail
from jobs.graph import graph_of
from jobs.models import AnyJob, Execution, Job
from jobs.operations import steer
from jobs.operations.changes import read_changes
from jobs.operations.fields import Fields
from jobs.states import JobStatus
from jobs.waiting_reason import waiting_reason
from tenants.clock import database_now

IDEMPOTENCY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="1 to 255 printable ASCII characters. The same key and request within 24 hours "
    "replays the first answer (header `Idempotent-Replayed: true`).",
)
PARTIAL = OpenApiParameter(
    "partial", bool, description="Create the good jobs and answer what is wrong with the others."
)

PAGE = [
    OpenApiParameter("cursor", str, description=NewestFirst.cursor_query_description),
    OpenApiParameter("page_size", int, description=NewestFirst.page_size_query_description),
]


class InvalidPartial(ValueError):
    """The parameter `partial` is neither true nor false."""


class JobViewSet(TaskFlowViewSet):
    serializer_class = schemas.JobSchema
    filterset_class = JobFilters
    required_scopes = {
        "list": Scope.JOBS_READ,
        "retrieve": Scope.JOBS_READ,
        "executions": Scope.JOBS_READ,
        "graph": Scope.JOBS_READ,
        "create": Scope.JOBS_WRITE,
        "batch": Scope.JOBS_WRITE,
        "partial_update": Scope.JOBS_WRITE,
        "cancel": Scope.JOBS_WRITE,
        "retry": Scope.JOBS_WRITE,
        "run_now": Scope.JOBS_WRITE,
    }
    parameters = {"batch": ("partial",), "executions": ("cursor", "page_size")}

    def get_queryset(self) -> QuerySet[Job]:
        """Return the merchant's jobs, archived ones among them."""
        if getattr(self, "swagger_fake_view", False):
            return AnyJob.objects.none()
        jobs: QuerySet[Job] = AnyJob.objects.of(self.merchant)
        return jobs

    @property
    def max_body(self) -> int:
        """How many bytes a body may have here."""
        return BATCH_BODY if self.action == "batch" else SINGLE_BODY

    @extend_schema(operation_id="jobs_list", summary="List jobs, newest first")
    def list(self, request: Request) -> Response:
        """Narrowed by the parameters; all of them must hold."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="jobs_create",
        summary="Create a job",
        request=schemas.NewJobSchema,
        responses={
            201: OpenApiResponse(schemas.JobSchema, "The job was created."),
            200: OpenApiResponse(
                schemas.JobSchema, "The job that holds its unique key; nothing was created."
            ),
        },
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """Runs at `run_at`, after `delay` seconds, or now."""
        merchant = self.merchant
        return respond_once(
            request,
            merchant,
            lambda body, now: new_jobs.create_one(body, merchant=merchant, now=now),
        )

    @extend_schema(
        operation_id="jobs_create_batch",
        summary="Create up to 1,000 jobs",
        request=schemas.BatchSchema,
        responses={
            201: OpenApiResponse(
                schemas.BatchAnswerSchema, "All were created, or found by their unique keys."
            ),
            200: OpenApiResponse(
                schemas.PartialBatchAnswerSchema, "With partial=true: none was refused."
            ),
            207: OpenApiResponse(
                schemas.PartialBatchAnswerSchema, "With partial=true: some were refused."
            ),
        },
        parameters=[IDEMPOTENCY, PARTIAL],
    )
    @action(detail=False, methods=["post"])
    def batch(self, request: Request) -> Response:
        """All or none, unless `partial=true`."""
        merchant = self.merchant
        create = new_jobs.create_some if self._partial(request) else new_jobs.create_all
        return respond_once(
            request, merchant, lambda body, now: create(body, merchant=merchant, now=now)
        )

    @extend_schema(
        operation_id="jobs_retrieve",
        summary="Look at a job",
        responses={200: schemas.JobDetailSchema},
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """With why it waits, and what its last attempt came to."""
        return self._detail(self._job(pk))

    @extend_schema(
        operation_id="jobs_edit",
        summary="Change a job that still waits",
        request=schemas.JobEditSchema,
        responses={200: schemas.JobDetailSchema},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Only what is named is changed."""
        job = self._job(pk)
        changes = read_changes(request.data, job=job, now=database_now())
        steer.edit(job, changes=changes, by=self.actor)
        return self._detail(self._job(pk))

    @extend_schema(
        operation_id="jobs_cancel",
        summary="Cancel a job",
        request=None,
        responses={
            200: OpenApiResponse(schemas.JobDetailSchema, "The job is cancelled."),
            202: OpenApiResponse(
                schemas.JobDetailSchema,
                "The job ran and was asked to stop; it may have ended by itself before.",
            ),
        },
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """A running job is asked to stop, and does."""
        job = self._job(pk)
        Fields(request.data, ()).raise_problems()
        steer.cancel(job, now=database_now(), by=self.actor)
        cancelled = self._job(pk)
        # One that was asked to stop may have ended well since: that is no cancelled job.
        return self._detail(
            cancelled, status=200 if cancelled.status == JobStatus.CANCELLED else 202
        )

    @extend_schema(
        operation_id="jobs_retry",
        summary="Retry a failed, cancelled or skipped job",
        request=None,
        responses={200: schemas.JobDetailSchema},
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """A new round of attempts, now; the history stays."""
        job = self._job(pk)
        Fields(request.data, ()).raise_problems()
        steer.retry(job, now=database_now(), by=self.actor)
        return self._detail(self._job(pk))

    @extend_schema(
        operation_id="jobs_run_now",
        summary="Make a waiting job due now",
        request=None,
        responses={200: schemas.JobDetailSchema},
    )
    @action(detail=True, methods=["post"], url_path="run-now")
    def run_now(self, request: Request, pk: str) -> Response:
        """It keeps its priority among what is due."""
        job = self._job(pk)
        Fields(request.data, ()).raise_problems()
        steer.run_now(job, now=database_now(), by=self.actor)
        return self._detail(self._job(pk))

    @extend_schema(
        operation_id="jobs_executions",
        summary="List a job's attempts, newest first",
        responses={200: schemas.JobExecutionsSchema},
        parameters=PAGE,
    )
    @action(detail=True, methods=["get"])
    def executions(self, request: Request, pk: str) -> Response:
        """The running attempt heads the first page, with the outcome `running`."""
        job = self._job(pk)
        finished: QuerySet[Execution] = Execution.objects.of(self.merchant).filter(job_id=job.pk)
        with bounded_time():
            page = self.paginate_queryset(finished)
        assert page is not None
        answer = self.get_paginated_response([execution(attempt) for attempt in page])
        running = queries.running_attempt(job)
        # It may have ended after the job was read.
        ended = running is not None and running.number in {attempt.number for attempt in page}
        if running is not None and not ended and answer.data["previous"] is None:
            answer.data["results"].insert(0, execution(running))
        return answer

    @extend_schema(
        operation_id="jobs_graph",
        summary="Look at the graph that a job is part of",
        responses={200: GraphSchema},
    )
    @action(detail=True, methods=["get"])
    def graph(self, request: Request, pk: str) -> Response:
        """All jobs that are connected with it by dependencies, at most 1,000 of them."""
        job = self._job(pk)
        with bounded_time():
            found = graph_of(job)
        return Response(graph(found))

    def _job(self, pk: str) -> Job:
        """Return the job: most are at work or ended of late, and found without the archive's weeks."""
        with suppress(Http404):
            return self.found(Job.objects.of(self.merchant).select_related("merchant"), pk)
        return self.found(self.get_queryset().select_related("merchant"), pk)

    def _detail(self, job: Job, *, status: int = 200) -> Response:
        reason = waiting_reason(job, now=database_now())
        body: dict[str, Any] = job_detail(
            job, last=queries.last_execution(job), waiting_reason=reason
        )
        return Response(body, status=status)

    def _partial(self, request: Request) -> bool:
        value = request.query_params.get("partial", "false").lower()
        if value not in {"true", "false"}:
            raise InvalidPartial("partial must be true or false.")
        return value == "true"
