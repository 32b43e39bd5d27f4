"""A template's runs: what will run, what did not, and runs beside the recurrence."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api.base import TaskFlowViewSet, bounded_time
from jobs.api.jobs import IDEMPOTENCY, PAGE
from jobs.api.once import respond_once
from jobs.api.representations import job_summary
from jobs.api.schemas import JobSchema
from jobs.models import Job
from jobs.operations.fields import Fields
from jobs.operations.idempotency import Answer
from templates_app.api import plans
from templates_app.api import run_schemas as schemas
from templates_app.api.base import count_parameter
from templates_app.api.parameters import read_count, read_moment
from templates_app.api.representations import backfilled, skipped_detail
from templates_app.models import SkippedOccurrence, Template
from templates_app.operations import preview as previewing
from templates_app.operations import running
from templates_app.operations.unreadable import counted_as_sent
from tenants.clock import database_now

FROM = OpenApiParameter("from", datetime, description="Runs after this time; now unless given.")


class TemplateRuns(TaskFlowViewSet):
    """Addresses below a template that are about its runs."""

    required_scopes = {
        "preview": Scope.TEMPLATES_READ,
        # Changes nothing, although it is sent like something that does.
        "preview_draft": Scope.TEMPLATES_READ,
        "skipped": Scope.TEMPLATES_READ,
        "run_now": Scope.TEMPLATES_WRITE,
        "backfill": Scope.TEMPLATES_WRITE,
    }
    parameters = {"preview": ("count", "from"), "skipped": ("cursor", "page_size")}

    def template(self, pk: str) -> Template:
        """Return the merchant's template. Raises Http404."""
        return self.found(Template.objects.of(self.merchant).select_related("merchant"), pk)

    @extend_schema(
        operation_id="templates_run_now",
        summary="Run a template once, now",
        request=None,
        responses={201: JobSchema},
        parameters=[IDEMPOTENCY],
    )
    @action(detail=True, methods=["post"], url_path="run-now")
    def run_now(self, request: Request, pk: str) -> Response:
        """Beside the recurrence, which goes on as planned; paused and inactive ones run as well."""
        template = self.template(pk)

        def work(body: Any, now: datetime) -> Answer:
            Fields(body, ()).raise_problems()
            job_id = running.run_now(template, now=now, by=self.actor)
            return Answer(status=201, body=job_summary(Job.objects.get(pk=job_id)))

        return respond_once(request, self.merchant, work)

    @extend_schema(
        operation_id="templates_backfill",
        summary="Run the occurrences of a past range",
        request=schemas.BackfillSchema,
        responses={200: schemas.BackfilledSchema},
        parameters=[IDEMPOTENCY],
    )
    @action(detail=True, methods=["post"])
    def backfill(self, request: Request, pk: str) -> Response:
        """Those that have no job yet, with an overlap policy and a rate of their own."""
        template = self.template(pk)

        def work(body: Any, now: datetime) -> Answer:
            result = running.backfill(template, body, now=now, by=self.actor)
            return Answer(status=200, body=backfilled(result))

        return respond_once(request, self.merchant, work)

    @extend_schema(
        operation_id="templates_preview",
        summary="Look at a template's next runs",
        responses={200: schemas.PreviewSchema},
        parameters=[count_parameter(previewing.MOST_PREVIEWED), FROM],
    )
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, pk: str) -> Response:
        """With nominal and real time, and a note on each that a clock change, calendar or window
        moves."""
        template = self.template(pk)
        count = read_count(
            request, default=previewing.DEFAULT_PREVIEWED, most=previewing.MOST_PREVIEWED
        )
        now = database_now()
        start = read_moment(request, "from", now) or now
        found = previewing.preview_template(template, count=count, start=start)
        return Response(plans.preview(found))

    @extend_schema(
        operation_id="templates_preview_draft",
        summary="Look at the next runs of a template that is not stored",
        request=schemas.PreviewDraftSchema,
        responses={200: schemas.PreviewSchema},
    )
    @action(detail=False, methods=["post"], url_path="preview")
    def preview_draft(self, request: Request) -> Response:
        """A whole template may be sent, to be checked; only `recurrence` is required. The windows of the
        platform and of the whole merchant apply, as they will."""
        with counted_as_sent(request.data):
            found = previewing.preview_draft(
                request.data, merchant=self.merchant, now=database_now()
            )
        return Response(plans.preview(found))

    @extend_schema(
        operation_id="templates_skipped",
        summary="List a template's occurrences that did not run, newest first",
        responses={200: schemas.TemplateSkippedSchema},
        parameters=PAGE,
    )
    @action(detail=True, methods=["get"])
    def skipped(self, request: Request, pk: str) -> Response:
        """Each with its reason; several in a row with the same reason are one."""
        template = self.template(pk)
        rows: QuerySet[SkippedOccurrence] = SkippedOccurrence.objects.of(self.merchant).filter(
            template_id=template.pk
        )
        with bounded_time():
            page = self.paginate_queryset(rows)
        assert page is not None
        return self.get_paginated_response([skipped_detail(one) for one in page])
