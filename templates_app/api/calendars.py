"""/api/v1/calendars: named sets of times, the merchant's own and the platform's."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api.base import TaskFlowViewSet
from jobs.api.filters import InvalidParameters
from jobs.api.jobs import IDEMPOTENCY
from jobs.api.once import respond_once
from jobs.api.parsers import SINGLE_BODY, StrictJSONParser
from jobs.operations.idempotency import Answer
from templates_app.api import calendar_schemas as schemas
from templates_app.api.base import CHANGEABLE, own
from templates_app.api.filters import CalendarFilters
from templates_app.api.parameters import read_date
from templates_app.api.parsers import IMPORT_BODY, CalendarFileParser
from templates_app.api.representations import calendar_detail, covered_day
from templates_app.calendars.calendar_set import CalendarSet
from templates_app.calendars.days import covered_days
from templates_app.expander.surroundings import read_calendars
from templates_app.models import Calendar
from templates_app.operations import calendars as operations
from templates_app.operations.unreadable import refuse_unreadable_calendar
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.zones import find_zone
from tenants.clock import database_now

# Calendars know the years 1990 to 2199.
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2199, 12, 31)
MOST_DAYS = 366
DEFINITION_BODY = 4 * SINGLE_BODY  # bytes
IMPORTS = {"import_file", "import_again"}
IMPORT = {
    CalendarFileParser.media_type: OpenApiTypes.STR,
    StrictJSONParser.media_type: schemas.CalendarImportSchema,
}
NAME = OpenApiParameter("name", str, description="The calendar's name, with a text/calendar body.")
DAYS = [
    OpenApiParameter("from", date, description="The first date; today unless given."),
    OpenApiParameter(
        "to",
        date,
        description=f"The last date, at most {MOST_DAYS} days on; unless given, as many.",
    ),
    OpenApiParameter(
        "timezone",
        str,
        description="For times that have an offset: an IANA zone; UTC unless given.",
    ),
]


class CalendarViewSet(TaskFlowViewSet):
    serializer_class = schemas.CalendarSchema
    filterset_class = CalendarFilters
    http_method_names = CHANGEABLE
    required_scopes = {
        "list": Scope.TEMPLATES_READ,
        "retrieve": Scope.TEMPLATES_READ,
        "days": Scope.TEMPLATES_READ,
        "create": Scope.TEMPLATES_WRITE,
        "import_file": Scope.TEMPLATES_WRITE,
        "import_again": Scope.TEMPLATES_WRITE,
        "partial_update": Scope.TEMPLATES_WRITE,
        "destroy": Scope.TEMPLATES_WRITE,
    }
    parameters = {
        "days": ("from", "to", "timezone"),
        "import_file": ("name",),
        "import_again": ("name",),
    }

    def get_queryset(self) -> QuerySet[Calendar]:
        """Return the merchant's calendars and the platform's."""
        if getattr(self, "swagger_fake_view", False):
            return Calendar.objects.none()
        calendars: QuerySet[Calendar] = Calendar.objects.usable_by(self.merchant)
        return calendars

    @property
    def max_body(self) -> int:
        """How many bytes a body may have here; 5,000 dates with names need some."""
        return IMPORT_BODY if self.action in IMPORTS else DEFINITION_BODY

    @extend_schema(operation_id="calendars_list", summary="List calendars, newest first")
    def list(self, request: Request) -> Response:
        """One's own and the platform's."""
        return self.page(self.get_queryset())

    @extend_schema(
        operation_id="calendars_create",
        summary="Create a calendar",
        request=schemas.NewCalendarSchema,
        responses={201: schemas.CalendarSchema},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """Of holidays, dates, weekly hours, spans, and other calendars."""
        merchant = self.merchant

        def work(body: Any, now: datetime) -> Answer:
            calendar = operations.create_calendar(body, merchant=merchant, now=now, by=self.actor)
            return Answer(status=201, body=calendar_detail(calendar))

        return respond_once(request, merchant, work)

    @extend_schema(
        operation_id="calendars_import",
        summary="Create a calendar from an iCalendar file",
        request=IMPORT,
        responses={201: schemas.CalendarSchema},
        parameters=[IDEMPOTENCY, NAME],
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        parser_classes=[StrictJSONParser, CalendarFileParser],
    )
    def import_file(self, request: Request) -> Response:
        """Repeating events are written out for five years ahead; nothing is fetched."""
        merchant = self.merchant

        def work(body: Any, now: datetime) -> Answer:
            imported = operations.import_calendar(
                self._named(body), merchant=merchant, now=now, by=self.actor
            )
            return Answer(status=201, body=calendar_detail(imported.calendar, imported.cautions))

        return respond_once(request, merchant, work)

    @extend_schema(
        operation_id="calendars_import_again",
        summary="Replace a calendar by a newer iCalendar file",
        request=IMPORT,
        responses={200: schemas.CalendarSchema},
        parameters=[NAME],
    )
    @action(
        detail=True,
        methods=["post"],
        url_path="import",
        parser_classes=[StrictJSONParser, CalendarFileParser],
    )
    def import_again(self, request: Request, pk: str) -> Response:
        """Its definition is replaced; what uses it is planned again."""
        calendar = own(self._calendar(pk))
        imported = operations.import_again(
            calendar, self._named(request.data), now=database_now(), by=self.actor
        )
        return Response(calendar_detail(imported.calendar, imported.cautions))

    @extend_schema(operation_id="calendars_retrieve", summary="Look at a calendar")
    def retrieve(self, request: Request, pk: str) -> Response:
        """Its definition; its dates are below `/days`."""
        return Response(calendar_detail(self._calendar(pk)))

    @extend_schema(
        operation_id="calendars_days",
        summary="List the dates of a calendar",
        responses={200: schemas.CalendarDaysSchema},
        parameters=DAYS,
    )
    @action(detail=True, methods=["get"])
    def days(self, request: Request, pk: str) -> Response:
        """With their names, what it includes included."""
        calendar = self._calendar(pk)
        first = read_date(request, "from") or database_now().date()
        if not FIRST_DAY <= first <= LAST_DAY:
            raise InvalidParameters([("from", "Must be within the years 1990 to 2199.")])
        last = read_date(request, "to") or first + timedelta(days=MOST_DAYS - 1)
        if not first <= last <= first + timedelta(days=MOST_DAYS):
            raise InvalidParameters([("to", f"Must be 0 to {MOST_DAYS} days after from.")])
        try:
            zone = find_zone(request.query_params.get("timezone", "UTC"))
        except RecurrenceError as error:
            raise InvalidParameters([("timezone", str(error))]) from error
        found = covered_days(_read(calendar), first, min(last, LAST_DAY), zone)
        return Response({"timezone": zone.name, "days": [covered_day(day) for day in found]})

    @extend_schema(
        operation_id="calendars_edit",
        summary="Change a calendar",
        request=schemas.CalendarEditSchema,
        responses={200: schemas.CalendarSchema},
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """What uses it is planned again: few templates before the answer, many within seconds."""
        calendar = own(self._calendar(pk))
        edited = operations.edit_calendar(calendar, request.data, now=database_now(), by=self.actor)
        return Response(calendar_detail(edited))

    @extend_schema(
        operation_id="calendars_delete",
        summary="Delete a calendar that nothing uses",
        request=None,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """409 names the templates and calendars that use it."""
        operations.delete_calendar(own(self._calendar(pk)), by=self.actor)
        return Response(status=204)

    def _calendar(self, pk: str) -> Calendar:
        return self.found(self.get_queryset().select_related("merchant"), pk)

    def _named(self, body: Any) -> Any:
        """Return the body with the name of the query, where only that can carry one."""
        name = self.request.query_params.get("name")
        if name is None or not isinstance(body, dict) or "name" in body:
            return body
        return {**body, "name": name}


def _read(calendar: Calendar) -> CalendarSet:
    try:
        return read_calendars({calendar.pk})[calendar.pk]
    except RecurrenceError:
        refuse_unreadable_calendar(calendar.pk)
        raise
