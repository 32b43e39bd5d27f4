"""The shapes of calendars and maintenance windows, for the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as s

from jobs.api.schemas import Shown
from jobs.operations.limits import MAX_NAME
from templates_app.api import representations
from templates_app.api.definition_schema import DEFINITION
from templates_app.api.schemas import RecurrenceField, WarningSchema
from templates_app.models import MaintenanceWindow
from templates_app.models.maintenance_window import LONGEST
from templates_app.operations.reading import MAX_DESCRIPTION, MOST_CALENDARS
from templates_app.operations.window_draft import LONGEST_RELEASE
from templates_app.operations.window_times import SHORTEST

OWNERS = ("merchant", "platform")


@extend_schema_field(DEFINITION)
class DefinitionField(s.JSONField):
    """A calendar's definition."""


class CalendarEditSchema(s.Serializer[Any]):
    name = s.CharField(required=False, max_length=MAX_NAME)
    description = s.CharField(required=False, allow_blank=True, max_length=MAX_DESCRIPTION)
    definition = DefinitionField(required=False)
    includes = s.ListField(
        child=s.UUIDField(),
        required=False,
        max_length=MOST_CALENDARS,
        help_text="Calendars whose times belong to this one as well.",
    )


class NewCalendarSchema(CalendarEditSchema):
    """A named set of times. `definition` may be left out when it includes other calendars."""

    name = s.CharField(max_length=MAX_NAME)


class CalendarImportSchema(s.Serializer[Any]):
    """An iCalendar file of at most 2 MiB."""

    name = s.CharField(required=False, max_length=MAX_NAME)
    ics = s.CharField()


class CalendarSchema(Shown):
    represent = staticmethod(representations.calendar_detail)
    id = s.UUIDField()
    owner = s.ChoiceField(
        choices=OWNERS, help_text="The platform's can be used by everybody and not be changed."
    )
    name = s.CharField()
    description = s.CharField(allow_blank=True)
    definition = DefinitionField()
    includes = s.ListField(child=s.UUIDField())
    warnings = WarningSchema(many=True)
    created_at = s.DateTimeField()
    updated_at = s.DateTimeField()


class CoveredDaySchema(s.Serializer[Any]):
    date = s.DateField()
    whole_day = s.BooleanField()
    times = s.ListField(
        child=s.ListField(child=s.CharField(), min_length=2, max_length=2),
        help_text="Local times of the day that are in the calendar, each [start, end).",
    )
    reasons = s.ListField(child=s.CharField())


class CalendarDaysSchema(s.Serializer[Any]):
    """The dates of which any time is in the calendar."""

    timezone = s.CharField()
    days = CoveredDaySchema(many=True)


class WindowEditSchema(s.Serializer[Any]):
    """Either `starts_at` and `ends_at`, or `recurrence` and `duration`."""

    name = s.CharField(required=False, max_length=MAX_NAME)
    mode = s.ChoiceField(
        choices=MaintenanceWindow.Mode.choices, default=MaintenanceWindow.Mode.HOLD.value
    )
    template_id = s.UUIDField(
        required=False, allow_null=True, help_text="Null: all templates of yours."
    )
    starts_at = s.DateTimeField(required=False, allow_null=True)
    ends_at = s.DateTimeField(required=False, allow_null=True)
    recurrence = RecurrenceField(required=False)
    duration = s.IntegerField(
        required=False,
        allow_null=True,
        min_value=SHORTEST,
        max_value=LONGEST,
        help_text="Seconds that each window of a recurrence lasts.",
    )
    release_over = s.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LONGEST_RELEASE,
        help_text="Seconds over which held jobs are released; a quarter of the window, at most 15 "
        "minutes, when null.",
    )


class NewWindowSchema(WindowEditSchema):
    """A time in which occurrences are skipped, or held back and released evenly afterwards."""

    name = s.CharField(max_length=MAX_NAME)


class WindowSchema(Shown):
    represent = staticmethod(representations.window_detail)
    id = s.UUIDField()
    owner = s.ChoiceField(choices=OWNERS)
    name = s.CharField()
    mode = s.ChoiceField(choices=MaintenanceWindow.Mode.choices)
    template_id = s.UUIDField(allow_null=True)
    starts_at = s.DateTimeField(allow_null=True)
    ends_at = s.DateTimeField(allow_null=True)
    recurrence = RecurrenceField(allow_null=True)
    duration = s.IntegerField(allow_null=True)
    sentence = s.CharField(
        allow_null=True, help_text="When a recurring one opens; null for one that cannot be read."
    )
    release_over = s.IntegerField(allow_null=True)
    warnings = WarningSchema(many=True)
    created_at = s.DateTimeField()
    updated_at = s.DateTimeField()
