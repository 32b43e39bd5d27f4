"""/api/v1/templates: jobs that happen again and again."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api.base import bounded_time
from jobs.api.jobs import IDEMPOTENCY
from jobs.api.once import respond_once
from jobs.operations.fields import Fields
from jobs.operations.idempotency import Answer
from templates_app.api import plans, run_schemas, schemas
from templates_app.api.base import CHANGEABLE, calendar_names, next_runs
from templates_app.api.filters import TemplateFilters
from templates_app.api.parameters import read_flag
from templates_app.api.representations import template_detail, template_summary
from templates_app.api.template_runs import TemplateRuns
from templates_app.models import Template
from templates_app.operations import templates as operations
from templates_app.operations.dry_run import preview_edit
from templates_app.operations.unreadable import counted_as_sent, unreadable_windows
from tenants.clock import database_now

DRY_RUN = OpenApiParameter(
    "dry_run",
    bool,
    description="Change nothing; answer which runs of the next 30 days the edit adds, removes and "
    "moves.",
)


class TemplateViewSet(TemplateRuns):
    serializer_class = schemas.TemplateSchema
    filterset_class = TemplateFilters
    http_method_names = CHANGEABLE
    required_scopes = {
        "list": Scope.TEMPLATES_READ,
        "retrieve": Scope.TEMPLATES_READ,
        "create": Scope.TEMPLATES_WRITE,
        "partial_update": Scope.TEMPLATES_WRITE,
        "destroy": Scope.TEMPLATES_WRITE,
        "pause": Scope.TEMPLATES_WRITE,
        "resume": Scope.TEMPLATES_WRITE,
        **TemplateRuns.required_scopes,
    }
    parameters = {"partial_update": ("dry_run",), **TemplateRuns.parameters}

    def get_queryset(self) -> QuerySet[Template]:
        """Return the merchant's templates."""
        if getattr(self, "swagger_fake_view", False):
            return Template.objects.none()
        templates: QuerySet[Template] = Template.objects.of(self.merchant)
        return templates

    @extend_schema(operation_id="templates_list", summary="List templates, newest first")
    def list(self, request: Request) -> Response:
        """Narrowed by the parameters; all of them must hold."""
        with bounded_time():
            page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        assert page is not None
        names = calendar_names(page)
        return self.get_paginated_response([template_summary(one, names) for one in page])

    @extend_schema(
        operation_id="templates_create",
        summary="Create a template",
        request=schemas.NewTemplateSchema,
        responses={201: schemas.TemplateDetailSchema},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """Its first jobs are planned before the answer."""
        merchant = self.merchant

        def work(body: Any, now: datetime) -> Answer:
            with counted_as_sent(body):
                template = operations.create_template(
                    body, merchant=merchant, now=now, by=self.actor
                )
            return Answer(status=201, body=_detail(template))

        return respond_once(request, merchant, work)

    @extend_schema(
        operation_id="templates_retrieve",
        summary="Look at a template",
        responses={200: schemas.TemplateDetailSchema},
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """With the jobs that wait to run next."""
        return Response(_detail(self.template(pk)))

    @extend_schema(
        operation_id="templates_edit",
        summary="Change a template",
        request=schemas.TemplateEditSchema,
        responses={
            200: PolymorphicProxySerializer(
                "TemplateEdited",
                [schemas.TemplateDetailSchema, run_schemas.EditPreviewSchema],
                resource_type_field_name=None,
            )
        },
        parameters=[DRY_RUN],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Its waiting jobs are replaced, running ones finish."""
        template = self.template(pk)
        now = database_now()
        with counted_as_sent(request.data):
            if read_flag(request, "dry_run"):
                return Response(plans.edit_preview(preview_edit(template, request.data, now=now)))
            edited = operations.edit_template(template, request.data, now=now, by=self.actor)
            return Response(_detail(edited))

    @extend_schema(
        operation_id="templates_delete",
        summary="Delete a template",
        request=None,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Its waiting jobs are cancelled, running ones finish; its jobs stay to be read."""
        operations.delete_template(self.template(pk), now=database_now(), by=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="templates_pause",
        summary="Pause a template",
        request=schemas.PauseSchema,
        responses={200: schemas.TemplateDetailSchema},
    )
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Nothing is planned until it is resumed, or until `resume_at`."""
        paused = operations.pause_template(
            self.template(pk), request.data, now=database_now(), by=self.actor
        )
        return Response(_detail(paused))

    @extend_schema(
        operation_id="templates_resume",
        summary="Resume a template",
        request=None,
        responses={200: schemas.TemplateDetailSchema},
    )
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Goes on from now: what fell into the pause is not made up for. One that was set aside is
        tried again."""
        template = self.template(pk)
        Fields(request.data, ()).raise_problems()
        resumed = operations.resume_template(template, now=database_now(), by=self.actor)
        return Response(_detail(resumed))


def _detail(template: Template) -> dict[str, Any]:
    return template_detail(
        template,
        calendar_names([template]),
        next_runs(template),
        unreadable_windows(template.merchant_id, template.id),
    )
