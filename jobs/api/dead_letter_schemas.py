"""The shapes of dead letters in requests and answers, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers as s

from jobs.api import representations
from jobs.api.schemas import RESOLUTIONS, ObjectField, Shown


class DeadLetterSchema(Shown):
    """A job that failed for good."""

    represent = staticmethod(representations.dead_letter)
    id = s.UUIDField()
    job_id = s.UUIDField()
    kind = s.CharField()
    handler = s.CharField(allow_blank=True)
    error_code = s.CharField()
    error_message = s.CharField(allow_blank=True)
    fingerprint = s.CharField(help_text="The same for errors that a person would call the same.")
    attempts = s.IntegerField()
    created_at = s.DateTimeField()
    resolution = s.ChoiceField(choices=RESOLUTIONS)
    resolved_at = s.DateTimeField(allow_null=True)
    resolved_by = s.CharField(allow_blank=True)
    reason = s.CharField(allow_blank=True)


class ExampleSchema(s.Serializer[Any]):
    id = s.UUIDField()
    kind = s.CharField()
    handler = s.CharField(allow_blank=True)
    error_code = s.CharField()
    error_message = s.CharField(allow_blank=True)


class ErrorGroupSchema(Shown):
    represent = staticmethod(representations.error_group)
    fingerprint = s.CharField()
    count = s.IntegerField()
    first_seen = s.DateTimeField()
    last_seen = s.DateTimeField()
    example = ExampleSchema()


class ErrorGroupsSchema(s.Serializer[Any]):
    results = ErrorGroupSchema(many=True)


class RedriveSchema(s.Serializer[Any]):
    payload = ObjectField(
        required=False, help_text="Replaces the job's payload; `***` keeps a masked header value."
    )


class DiscardSchema(s.Serializer[Any]):
    reason = s.CharField(required=False, allow_blank=True, max_length=500)


class DeadLetterChoiceSchema(s.Serializer[Any]):
    """Which open dead letters: all conditions hold at once."""

    fingerprint = s.CharField(required=False, max_length=16)
    kind = s.CharField(required=False, max_length=32)
    handler = s.CharField(required=False, max_length=200)
    error_code = s.CharField(required=False, max_length=100)
    created_after = s.DateTimeField(required=False)
    created_before = s.DateTimeField(required=False)


class BulkRedriveSchema(s.Serializer[Any]):
    """Either `ids` or a `filter` with at least one condition."""

    ids = s.ListField(required=False, child=s.UUIDField(), min_length=1, max_length=1000)
    filter = DeadLetterChoiceSchema(required=False)


class BulkDiscardSchema(BulkRedriveSchema):
    reason = s.CharField(required=False, allow_blank=True, max_length=500)


class RedrivenSchema(s.Serializer[Any]):
    redriven = s.IntegerField()
    more = s.BooleanField(help_text="Whether some were left: repeat the call.")


class DiscardedSchema(s.Serializer[Any]):
    discarded = s.IntegerField()
    more = s.BooleanField(help_text="Whether some were left: repeat the call.")
