"""The shapes of redrives in requests and answers."""

from typing import Any

from rest_framework import serializers as s

from jobs.api.dead_letter_schemas import BulkRedriveSchema
from jobs.api.representations import moment
from jobs.api.schemas import AnyField, ObjectField, Shown
from jobs.masking import masked
from jobs.merge_patch import Difference
from jobs.models import Redrive
from jobs.operations.redrive_payloads import Drawn
from jobs.operations.redrives import FASTEST, SLOWEST, USUAL, DryRun
from jobs.redrive_stages import RedriveState, Stage

STATES = [(state.value, state.value) for state in RedriveState]
STAGES = [(stage.value, stage.value) for stage in Stage]


def redrive_detail(redrive: Redrive) -> dict[str, Any]:
    """Return a redrive and how far it is."""
    tally = redrive.tally
    return {
        "id": str(redrive.pk),
        "state": redrive.state,
        "stage": redrive.stage,
        "chosen_by": redrive.chosen_by,
        "rate": redrive.rate,
        "patch": None if redrive.patch is None else masked("http", redrive.patch),
        "total": tally.total,
        "redriven": tally.redriven,
        "going": tally.going,
        "succeeded": tally.succeeded,
        "failed": tally.failed,
        "cancelled": tally.cancelled,
        "left_out": tally.left_out,
        "left": tally.left,
        "created_at": moment(redrive.created_at),
        "created_by": redrive.created_by,
        "stopped_at": moment(redrive.stopped_at),
        "stopped_by": redrive.stopped_by,
        "stop_reason": redrive.stop_reason,
        "finished_at": moment(redrive.finished_at),
    }


def drawn_detail(drawn: Drawn) -> dict[str, Any]:
    """Return what a job would run with, and what is wrong with it."""
    return {
        "payload": drawn.payload,
        "differences": [_difference(one) for one in drawn.differences],
        "problems": [one.detail for one in drawn.problems],
    }


def dry_run_detail(found: DryRun) -> dict[str, Any]:
    """Return what a redrive would take."""
    return {
        "count": found.count,
        "more": found.more,
        "examples": [
            {
                "dead_letter_id": str(example.letter.pk),
                "job_id": str(example.letter.job_id),
                "error_code": example.letter.error_code,
                **drawn_detail(example.drawn),
            }
            for example in found.examples
        ],
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {"path": one.path, "change": one.kind, "before": one.before, "after": one.after}


class NewRedriveSchema(BulkRedriveSchema):
    rate = s.FloatField(
        required=False,
        default=USUAL,
        min_value=SLOWEST,
        max_value=FASTEST,
        help_text="Jobs per second, at most.",
    )
    patch = ObjectField(
        required=False,
        allow_null=True,
        help_text="JSON Merge Patch (RFC 7386), applied to each job's payload; null takes a member away.",
    )


class RedriveSummarySchema(Shown):
    """Many dead letters, redriven one after another: one job first, then a tenth, then all."""

    represent = staticmethod(redrive_detail)
    id = s.UUIDField()
    state = s.ChoiceField(
        choices=STATES, help_text="stopped: by a new failure or a person; it can be resumed."
    )
    stage = s.ChoiceField(choices=STAGES)
    chosen_by = ObjectField()
    rate = s.FloatField()
    patch = ObjectField(allow_null=True)
    total = s.IntegerField(help_text="How many dead letters it began with.")
    redriven = s.IntegerField(help_text="Whose jobs got a new round of attempts.")
    going = s.IntegerField(help_text="Of these, how many have not ended.")
    succeeded = s.IntegerField()
    failed = s.IntegerField()
    cancelled = s.IntegerField()
    left_out = s.IntegerField(help_text="Resolved meanwhile, or they cannot run.")
    left = s.IntegerField(help_text="How many wait for their turn.")
    created_at = s.DateTimeField()
    created_by = s.CharField()
    stopped_at = s.DateTimeField(allow_null=True)
    stopped_by = s.CharField(allow_blank=True)
    stop_reason = s.CharField(allow_blank=True)
    finished_at = s.DateTimeField(allow_null=True)


class DifferenceSchema(s.Serializer[Any]):
    path = s.CharField(help_text="A JSON pointer (RFC 6901) into the payload.")
    change = s.CharField(help_text="added, removed or changed")
    before = AnyField(allow_null=True)
    after = AnyField(allow_null=True)


class DrawnSchema(s.Serializer[Any]):
    """What a job would run with; hidden values are masked."""

    payload = ObjectField()
    differences = DifferenceSchema(many=True)
    problems = s.ListField(child=s.CharField(), help_text="Empty when the payload fits its kind.")


class DryRunExampleSchema(DrawnSchema):
    dead_letter_id = s.UUIDField()
    job_id = s.UUIDField()
    error_code = s.CharField()


class DryRunSchema(s.Serializer[Any]):
    count = s.IntegerField(help_text="How many it would take.")
    more = s.BooleanField(help_text="Whether more fit than one redrive takes.")
    examples = DryRunExampleSchema(many=True)


class StopRedriveSchema(s.Serializer[Any]):
    reason = s.CharField(required=False, allow_blank=True, max_length=500)


class EditedPayloadSchema(s.Serializer[Any]):
    """Either the whole payload or a merge patch."""

    payload = ObjectField(required=False)
    patch = ObjectField(required=False)
