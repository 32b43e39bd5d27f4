"""The shapes of flow rules, for the OpenAPI document; and how one is shown."""

from typing import Any

from rest_framework import serializers as s

from jobs.api.representations import moment
from jobs.api.schemas import Shown
from jobs.flow import FlowScope
from jobs.models import Flow
from jobs.operations.flow_draft import MAX_NOTE, MOST_ACTIVE, MOST_RATE, PERIODS
from jobs.operations.flow_names import MAX_NAME

SCOPES = [scope.value for scope in FlowScope]
PER = list(PERIODS)
_PER_OF = {seconds: name for name, seconds in PERIODS.items()}


def flow_detail(flow: Flow) -> dict[str, Any]:
    """Return the public fields of a flow rule. Who paused the operators', and why, is their business."""
    told = not flow.set_by_operators
    rate = None
    if flow.rate is not None:
        rate = {"jobs": flow.rate, "per": _PER_OF[flow.rate_period]}
    return {
        "id": str(flow.pk),
        "scope": flow.scope,
        "name": flow.name,
        "most_active": flow.most_active,
        "rate": rate,
        "burst": flow.burst,
        "paused": flow.paused_at is not None,
        "paused_at": moment(flow.paused_at),
        "paused_by": flow.paused_by if told else "",
        "note": flow.pause_note if told else "",
        "set_by_operators": flow.set_by_operators,
        "created_at": moment(flow.created_at),
    }


class RateSchema(s.Serializer[Any]):
    jobs = s.IntegerField(min_value=1, max_value=MOST_RATE)
    per = s.ChoiceField(choices=PER, default="second")


class FlowLimitsSchema(s.Serializer[Any]):
    """What a rule bounds; null lifts a bound."""

    most_active = s.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_ACTIVE,
        help_text="How many of these jobs may be in workers' hands at once.",
    )
    rate = RateSchema(
        required=False,
        allow_null=True,
        help_text="How many of these jobs may start in a period, on average.",
    )
    burst = s.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_RATE,
        help_text="How many may start at once after a quiet time; null: as many as `rate.jobs`.",
    )


class NewFlowSchema(FlowLimitsSchema):
    scope = s.ChoiceField(choices=SCOPES)
    name = s.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_NAME,
        help_text="The template's id; the kind; the lane; a job's `handler` (a function, a command, a "
        "host or a destination); the concurrency key. None for the scope `merchant`.",
    )
    paused = s.BooleanField(default=False)
    note = s.CharField(required=False, allow_blank=True, max_length=MAX_NOTE)


class PauseFlowSchema(s.Serializer[Any]):
    note = s.CharField(required=False, allow_blank=True, max_length=MAX_NOTE)


class FlowSchema(Shown):
    """A flow rule. A job runs when all rules that it falls under let it."""

    represent = staticmethod(flow_detail)
    id = s.UUIDField()
    scope = s.ChoiceField(choices=SCOPES)
    name = s.CharField(allow_blank=True)
    most_active = s.IntegerField(allow_null=True)
    rate = RateSchema(allow_null=True)
    burst = s.IntegerField(allow_null=True)
    paused = s.BooleanField()
    paused_at = s.DateTimeField(allow_null=True)
    paused_by = s.CharField(
        allow_blank=True, help_text="Empty, as `note` is, when the operators set the rule."
    )
    note = s.CharField(allow_blank=True)
    set_by_operators = s.BooleanField(
        help_text="The operators set it for you, beside your own rules: it can be read and not changed."
    )
    created_at = s.DateTimeField()
