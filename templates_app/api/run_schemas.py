"""The shapes of a template's runs in requests and answers: previews, backfills, what did not run."""

from typing import Any

from rest_framework import serializers as s

from templates_app.api.schemas import RecurrenceField, TemplateEditSchema, WarningSchema
from templates_app.models import Cause
from templates_app.operations.preview import DEFAULT_PREVIEWED, MOST_PREVIEWED
from templates_app.operations.running import FASTEST, OVERLAPS


class BackfillSchema(s.Serializer[Any]):
    """A past range, both ends included; occurrences that have a job already are left alone."""

    to = s.DateTimeField()
    overlap = s.ChoiceField(choices=OVERLAPS, default="one_at_a_time")
    per_minute = s.IntegerField(
        default=0,
        min_value=0,
        max_value=FASTEST,
        help_text="How many become due in a minute; 0: all at once.",
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` cannot be named in a class body."""
        return {"from": s.DateTimeField(), **super().get_fields()}


class BackfilledSchema(s.Serializer[Any]):
    created = s.IntegerField(help_text="New jobs.")
    restarted = s.IntegerField(help_text="Occurrences whose job had been skipped and runs now.")
    existing = s.IntegerField(help_text="Occurrences that have a job already.")
    not_planned = s.IntegerField(help_text="Closed by calendars, windows or clock changes.")
    last_run_at = s.DateTimeField(allow_null=True)


class SkippedSchema(s.Serializer[Any]):
    """Occurrences in a row that did not run, for one reason."""

    id = s.UUIDField()
    template_id = s.UUIDField()
    cause = s.ChoiceField(choices=Cause.choices)
    reason = s.CharField()
    first_at = s.DateTimeField()
    last_at = s.DateTimeField()
    occurrences = s.IntegerField()
    created_at = s.DateTimeField()
    resolved_at = s.DateTimeField(allow_null=True)
    resolved_by = s.CharField(allow_blank=True)
    resolution = s.CharField(allow_blank=True)


class TemplateSkippedSchema(s.Serializer[Any]):
    results = SkippedSchema(many=True)
    next = s.URLField(allow_null=True)
    previous = s.URLField(allow_null=True)


class PreviewDraftSchema(TemplateEditSchema):
    """A template that is not stored. Only `recurrence` is required; what else there is is checked."""

    recurrence = RecurrenceField()
    count = s.IntegerField(default=DEFAULT_PREVIEWED, min_value=1, max_value=MOST_PREVIEWED)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` cannot be named in a class body."""
        return {**super().get_fields(), "from": s.DateTimeField(required=False, allow_null=True)}


class RunSchema(s.Serializer[Any]):
    """A run to come."""

    nominal = s.CharField(help_text="The local time that the recurrence names.")
    occurrence_at = s.DateTimeField(help_text="The moment after calendars, before windows.")
    run_at = s.DateTimeField(help_text="When it really runs, in UTC.")
    run_at_local = s.DateTimeField(help_text="The same in the template's time zone.")
    note = s.CharField(allow_blank=True, help_text="Why they differ.")


class PlannedSkipSchema(s.Serializer[Any]):
    """Occurrences in a row that will not run."""

    first_at = s.DateTimeField()
    last_at = s.DateTimeField()
    first_at_local = s.DateTimeField()
    last_at_local = s.DateTimeField()
    occurrences = s.IntegerField()
    cause = s.ChoiceField(choices=Cause.choices)
    reason = s.CharField(allow_blank=True)


class PreviewSchema(s.Serializer[Any]):
    sentence = s.CharField()
    timezone = s.CharField()
    warnings = WarningSchema(many=True)
    runs = RunSchema(many=True)
    skipped = PlannedSkipSchema(many=True)
    ended = s.BooleanField(help_text="Whether nothing follows.")


class MovedSchema(s.Serializer[Any]):
    to = RunSchema()

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` cannot be named in a class body."""
        return {"from": RunSchema(), **super().get_fields()}


class EditPreviewSchema(s.Serializer[Any]):
    """What an edit would change of the next 30 days."""

    timezone = s.CharField()
    until = s.DateTimeField()
    complete = s.BooleanField(help_text="False: compared only up to `until`; it has too many runs.")
    added = RunSchema(many=True)
    removed = RunSchema(many=True)
    moved = MovedSchema(many=True)
    kept = s.IntegerField()
