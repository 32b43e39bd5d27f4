"""The shapes of templates in requests and answers, for the OpenAPI document.

Requests are checked in `templates_app.operations`, answers are built by the representations; a test
holds every answer against these.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as s

from jobs.api.concurrency_schema import ConcurrencySchema
from jobs.api.schemas import BackoffSchema, ObjectField
from jobs.handlers.registry import kind_names
from jobs.operations import limits as rules
from jobs.states import JobStatus
from templates_app.api.recurrence_schema import RECURRENCE
from templates_app.models import Misfire, OnClosed, Overlap
from templates_app.models.template import DEFAULT_GRACE, DEFAULT_LIMIT, DEFAULT_WINDOW
from templates_app.operations import draft
from templates_app.operations.reading import MAX_DESCRIPTION, MOST_CALENDARS
from templates_app.operations.templates import MAX_NOTE

RUN_STATUSES = [status.value for status in JobStatus]
STATES = ["active", "paused", "inactive", "set_aside", "ended"]


@extend_schema_field(RECURRENCE)
class RecurrenceField(s.JSONField):
    """A recurrence of any kind."""


class WarningSchema(s.Serializer[Any]):
    """Something that is allowed and probably not what was meant."""

    code = s.CharField()
    field = s.CharField()
    message = s.CharField()
    hint = s.CharField(allow_null=True)


class ScheduleSchema(s.Serializer[Any]):
    """When it runs, and what happens on closed times."""

    recurrence = RecurrenceField()
    avoid = s.ListField(
        child=s.UUIDField(),
        required=False,
        max_length=MOST_CALENDARS,
        help_text="Calendars whose times are closed.",
    )
    keep_to = s.ListField(
        child=s.UUIDField(),
        required=False,
        max_length=MOST_CALENDARS,
        help_text="Calendars outside whose times it is closed.",
    )
    on_closed = s.ChoiceField(
        choices=OnClosed.choices,
        default=OnClosed.SKIP.value,
        help_text="What happens to an occurrence on a closed time.",
    )


class TemplateEditSchema(ScheduleSchema, ConcurrencySchema):
    """What can be changed of a template. `payload` replaces the old one whole; a masked value
    (`***`) keeps the stored one. Texts in `payload` may hold placeholders such as
    `{{ occurrence }}`."""

    name = s.CharField(required=False, max_length=rules.MAX_NAME)
    description = s.CharField(required=False, allow_blank=True, max_length=MAX_DESCRIPTION)
    kind = s.ChoiceField(choices=kind_names(), required=False)
    payload = ObjectField(required=False)
    recurrence = RecurrenceField(required=False)
    priority = s.IntegerField(
        default=rules.DEFAULT_PRIORITY, min_value=0, max_value=rules.MAX_PRIORITY
    )
    max_attempts = s.IntegerField(
        default=rules.DEFAULT_ATTEMPTS, min_value=1, max_value=rules.MAX_ATTEMPTS
    )
    backoff = BackoffSchema(required=False, allow_null=True)
    timeout = s.FloatField(
        default=rules.DEFAULT_TIMEOUT, min_value=rules.MIN_TIMEOUT, max_value=rules.MAX_TIMEOUT
    )
    tags = s.ListField(
        required=False, child=s.CharField(max_length=rules.MAX_TAG), max_length=rules.MAX_TAGS
    )
    metadata = ObjectField(required=False)
    misfire = s.ChoiceField(
        choices=Misfire.choices,
        default=Misfire.RUN_ONCE.value,
        help_text="What becomes of occurrences that were missed in an outage.",
    )
    misfire_grace = s.IntegerField(
        default=DEFAULT_GRACE,
        min_value=10,
        max_value=draft.LONGEST_GRACE,
        help_text="Seconds an occurrence may be late before it counts as missed.",
    )
    misfire_window = s.IntegerField(
        default=DEFAULT_WINDOW,
        min_value=60,
        max_value=draft.LONGEST_WINDOW,
        help_text="Seconds after which a missed occurrence is not made up for.",
    )
    misfire_limit = s.IntegerField(
        default=DEFAULT_LIMIT,
        min_value=1,
        max_value=draft.MOST_MADE_UP,
        help_text="How many missed occurrences `run_all` makes up for.",
    )
    overlap = s.ChoiceField(
        choices=Overlap.choices,
        default=Overlap.ALLOW.value,
        help_text="What happens when an occurrence is due while the last run of the same template is "
        "still going. Decided before a turn of the `concurrency_key` is waited for.",
    )
    active = s.BooleanField(default=True)


class NewTemplateSchema(TemplateEditSchema):
    """A template to create: a job's blueprint and its recurrence."""

    name = s.CharField(max_length=rules.MAX_NAME)
    kind = s.ChoiceField(choices=kind_names())
    payload = ObjectField()
    recurrence = RecurrenceField()


class TemplateSchema(s.Serializer[Any]):
    """A template. Values of an HTTP job's payload that carry secrets are shown as `***`."""

    id = s.UUIDField()
    name = s.CharField()
    description = s.CharField(allow_blank=True)
    recurrence = RecurrenceField()
    avoid = s.ListField(child=s.UUIDField())
    keep_to = s.ListField(child=s.UUIDField())
    on_closed = s.ChoiceField(choices=OnClosed.choices)
    misfire = s.ChoiceField(choices=Misfire.choices)
    misfire_grace = s.IntegerField()
    misfire_window = s.IntegerField()
    misfire_limit = s.IntegerField()
    overlap = s.ChoiceField(choices=Overlap.choices)
    active = s.BooleanField()
    kind = s.CharField()
    payload = ObjectField()
    priority = s.IntegerField()
    max_attempts = s.IntegerField()
    backoff = BackoffSchema()
    timeout = s.FloatField()
    tags = s.ListField(child=s.CharField())
    metadata = ObjectField()
    concurrency_key = s.CharField(allow_blank=True)
    concurrency_limit = s.IntegerField(allow_null=True, help_text="null without a key.")
    state = s.ChoiceField(choices=STATES)
    sentence = s.CharField(help_text="When it runs, in plain English.")
    warnings = WarningSchema(many=True)
    paused_at = s.DateTimeField(allow_null=True)
    paused_by = s.CharField(allow_blank=True)
    pause_note = s.CharField(allow_blank=True)
    resume_at = s.DateTimeField(allow_null=True, help_text="When a pause ends by itself.")
    set_aside_at = s.DateTimeField(
        allow_null=True, help_text="Since when it is not planned because that failed three times."
    )
    set_aside_reason = s.CharField(allow_blank=True)
    created_at = s.DateTimeField()
    updated_at = s.DateTimeField()


class NextRunSchema(s.Serializer[Any]):
    """A job of the template that waits."""

    id = s.UUIDField()
    status = s.ChoiceField(choices=RUN_STATUSES)
    occurrence_at = s.DateTimeField(allow_null=True)
    run_at = s.DateTimeField()
    note = s.CharField(allow_blank=True)


class TemplateDetailSchema(TemplateSchema):
    next_runs = NextRunSchema(many=True)


class PauseSchema(s.Serializer[Any]):
    note = s.CharField(required=False, allow_blank=True, max_length=MAX_NOTE)
    resume_at = s.DateTimeField(required=False, allow_null=True)
