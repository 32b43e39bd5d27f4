"""The shapes of unique keys, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers as s

from jobs.operations import limits as rules
from jobs.unique import OnConflict, Scope

SCOPES = [scope.value for scope in Scope]
ON_CONFLICT = [choice.value for choice in OnConflict]


class UniqueSchema(s.Serializer[Any]):
    """One job at a time may hold a key, within the merchant."""

    key = s.CharField(max_length=rules.MAX_UNIQUE_KEY)
    scope = s.ChoiceField(
        choices=SCOPES,
        default=Scope.UNFINISHED.value,
        help_text="How long this job holds the key: until its first attempt starts, until it has "
        "ended, or for `period` seconds from now.",
    )
    period = s.FloatField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=rules.MAX_PERIOD,
        help_text="Seconds; with the scope `period` only.",
    )
    on_conflict = s.ChoiceField(
        choices=ON_CONFLICT,
        default=OnConflict.RETURN.value,
        help_text="When another job holds the key: answer that job, refuse with 409, or cancel it "
        "and create this one (409 when it runs, or has ended within its period).",
    )


class HeldKeySchema(s.Serializer[Any]):
    key = s.CharField()
    scope = s.ChoiceField(choices=SCOPES)
