"""The shapes of requests and answers, for the OpenAPI document.

Requests are checked in `jobs.operations`, answers are built by `jobs.api.representations`;
a test holds every answer against these.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as s

from jobs.api import representations
from jobs.api.concurrency_schema import ConcurrencySchema
from jobs.api.parent_schema import ParentSchema
from jobs.api.unique_schema import HeldKeySchema, UniqueSchema
from jobs.backoff import MAX_DELAY, STRATEGIES, Backoff
from jobs.conditions import MAX_LENGTH
from jobs.handlers.registry import LANES, kind_names
from jobs.models import Resolution
from jobs.operations import limits as rules
from jobs.operations.parents import MAX_PARENTS, MAX_REF
from jobs.outcomes import Result
from jobs.states import JobStatus, Origin, Overlap

STATUSES = [status.value for status in JobStatus]
OUTCOMES = [*(result.value for result in Result), "running"]
ORIGINS = [origin.value for origin in Origin]
OVERLAPS = [overlap.value for overlap in Overlap]
RESOLUTIONS = ["open", *Resolution.values]
_default = Backoff()

JSON_OBJECT = {"type": "object", "additionalProperties": True}


@extend_schema_field(JSON_OBJECT)
class ObjectField(s.JSONField):
    """Any JSON object."""


@extend_schema_field({})
class AnyField(s.JSONField):
    """Any JSON value, null included."""


class BackoffSchema(s.Serializer[Any]):
    """Seconds before the next attempt: base·factor^(n-1), base·n or base, at most `cap`."""

    strategy = s.ChoiceField(choices=STRATEGIES, default=_default.strategy)
    base = s.FloatField(default=_default.base, min_value=0.1, max_value=MAX_DELAY)
    factor = s.FloatField(default=_default.factor, min_value=1, max_value=rules.MAX_FACTOR)
    cap = s.FloatField(default=_default.cap, min_value=0.1, max_value=MAX_DELAY)
    jitter = s.FloatField(
        default=_default.jitter,
        min_value=0,
        max_value=1,
        help_text="The share of the delay by which it may be shortened at random.",
    )


class JobEditSchema(s.Serializer[Any]):
    """What can be changed while a job waits. `payload` replaces the old one whole; a masked header
    value (`***`) keeps the stored one."""

    payload = ObjectField(required=False)
    run_at = s.DateTimeField(
        required=False, allow_null=True, help_text="RFC 3339 with a UTC offset; the past means now."
    )
    delay = s.FloatField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=rules.HORIZON.total_seconds(),
        help_text="Seconds from now, instead of run_at.",
    )
    priority = s.IntegerField(
        default=rules.DEFAULT_PRIORITY,
        min_value=0,
        max_value=rules.MAX_PRIORITY,
        help_text="Higher first.",
    )
    max_attempts = s.IntegerField(
        default=rules.DEFAULT_ATTEMPTS, min_value=1, max_value=rules.MAX_ATTEMPTS
    )
    backoff = BackoffSchema(required=False, allow_null=True)
    timeout = s.FloatField(
        default=rules.DEFAULT_TIMEOUT,
        min_value=rules.MIN_TIMEOUT,
        max_value=rules.MAX_TIMEOUT,
        help_text="Seconds that one attempt may take.",
    )
    deadline = s.DateTimeField(
        required=False, allow_null=True, help_text="Not started by then, the job fails as expired."
    )
    name = s.CharField(required=False, allow_blank=True, max_length=rules.MAX_NAME)
    tags = s.ListField(
        required=False, child=s.CharField(max_length=rules.MAX_TAG), max_length=rules.MAX_TAGS
    )
    metadata = ObjectField(required=False, help_text="Yours; at most 16 KiB of JSON.")


class NewJobSchema(JobEditSchema, ConcurrencySchema):
    """A job to create. `payload` has at most 128 KiB and follows the schema of its kind."""

    kind = s.ChoiceField(choices=kind_names())
    payload = ObjectField()
    unique = UniqueSchema(required=False, allow_null=True)
    ref = s.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_REF,
        help_text="How other jobs of the same batch call this one; it is not stored.",
    )
    depends_on = ParentSchema(many=True, required=False, max_length=MAX_PARENTS)  # type: ignore[call-arg]
    condition = s.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_LENGTH,
        help_text="A CEL expression over the parents' results, such as "
        "`parents.extract.result.rows > 0`. When it is false, the job is skipped.",
    )


class BatchSchema(s.Serializer[Any]):
    jobs = NewJobSchema(many=True, min_length=1, max_length=1000)  # type: ignore[call-arg]


class Shown(s.Serializer[Any]):
    """An answer built by a function of `jobs.api.representations`."""

    represent: Any = None

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return the answer."""
        shown: dict[str, Any] = type(self).represent(instance)
        return shown


class JobReceiptSchema(s.Serializer[Any]):
    id = s.UUIDField()
    kind = s.CharField()
    name = s.CharField(allow_blank=True)
    status = s.ChoiceField(choices=STATUSES)
    scheduled_at = s.DateTimeField()
    created = s.BooleanField(help_text="False: an earlier job holds the unique key.")


class JobSchema(Shown):
    """A job. Header values of an HTTP job that carry secrets are shown as `***`."""

    represent = staticmethod(representations.job_summary)
    id = s.UUIDField()
    kind = s.CharField()
    handler = s.CharField(allow_blank=True)
    lane = s.ChoiceField(choices=LANES)
    name = s.CharField(allow_blank=True)
    tags = s.ListField(child=s.CharField())
    metadata = ObjectField()
    payload = ObjectField()
    priority = s.IntegerField()
    max_attempts = s.IntegerField()
    backoff = BackoffSchema()
    timeout = s.FloatField()
    run_at = s.DateTimeField(help_text="When the job was asked to run.")
    deadline = s.DateTimeField(allow_null=True)
    status = s.ChoiceField(choices=STATUSES)
    scheduled_at = s.DateTimeField(help_text="When the next attempt is due.")
    attempt = s.IntegerField(help_text="Attempts started so far, over the job's whole life.")
    attempts_left = s.IntegerField()
    progress = s.IntegerField(allow_null=True, help_text="Percent, as the handler reports it.")
    progress_note = s.CharField(allow_blank=True)
    cancel_requested_at = s.DateTimeField(allow_null=True)
    queued_at = s.DateTimeField(allow_null=True)
    started_at = s.DateTimeField(allow_null=True)
    finalized_at = s.DateTimeField(allow_null=True)
    created_at = s.DateTimeField()
    template_id = s.UUIDField(allow_null=True)
    occurrence_at = s.DateTimeField(
        allow_null=True,
        help_text="The nominal moment of the template's occurrence; null for other jobs, and for "
        "those that were run at once.",
    )
    occurrence_note = s.CharField(
        allow_blank=True, help_text="Why run_at is not the nominal moment, in one sentence."
    )
    origin = s.ChoiceField(
        choices=ORIGINS,
        allow_blank=True,
        help_text="What made a template's job; empty for jobs that were created one by one.",
    )
    overlap = s.ChoiceField(
        choices=OVERLAPS,
        allow_blank=True,
        help_text="What the job does when it falls due while a run of its template is still "
        "going; empty: it runs beside it.",
    )
    condition = s.CharField(
        allow_blank=True, help_text="A CEL expression over the results of the job's parents."
    )
    skip_reason = s.CharField(
        allow_blank=True, help_text="Why the job was not run, or was replaced, in one sentence."
    )
    unique = HeldKeySchema(allow_null=True, help_text="The unique key that it was created with.")
    concurrency_key = s.CharField(allow_blank=True)
    concurrency_limit = s.IntegerField(
        allow_null=True, help_text="Null for a job without a concurrency key."
    )


class ErrorSchema(s.Serializer[Any]):
    code = s.CharField()
    message = s.CharField(allow_blank=True)
    detail = s.CharField(allow_blank=True)
    http_status = s.IntegerField(allow_null=True)


class JobDetailSchema(JobSchema):
    waiting_reason = s.CharField(allow_null=True, help_text="One sentence, while the job waits.")
    result = AnyField(help_text="What the last finished attempt answered.")
    last_error = ErrorSchema(allow_null=True)


class ExecutionSchema(Shown):
    """One attempt of a job. The running one has no id yet."""

    represent = staticmethod(representations.execution)
    id = s.UUIDField(allow_null=True)
    job_id = s.UUIDField()
    number = s.IntegerField()
    outcome = s.ChoiceField(choices=OUTCOMES)
    scheduled_at = s.DateTimeField()
    queued_at = s.DateTimeField(allow_null=True)
    started_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)
    worker_id = s.UUIDField(allow_null=True)
    http_status = s.IntegerField(allow_null=True)
    output = AnyField()
    error = ErrorSchema(allow_null=True)
    log = s.ListField(child=s.CharField(allow_blank=True))


class JobExecutionsSchema(s.Serializer[Any]):
    results = ExecutionSchema(many=True)
    next = s.URLField(allow_null=True)
    previous = s.URLField(allow_null=True)


class BatchAnswerSchema(s.Serializer[Any]):
    """All jobs of the batch, in the order given."""

    count = s.IntegerField()
    jobs = JobReceiptSchema(many=True)


class FieldProblemSchema(s.Serializer[Any]):
    pointer = s.CharField(required=False, help_text="JSON pointer into the body (RFC 6901).")
    parameter = s.CharField(required=False, help_text="Name of a query parameter.")
    code = s.CharField()
    detail = s.CharField()
    job_id = s.UUIDField(required=False, help_text="The job that holds the unique key.")


class BatchItemSchema(s.Serializer[Any]):
    """What became of one item: `job` or `errors`."""

    index = s.IntegerField()
    job = JobReceiptSchema(required=False)
    errors = FieldProblemSchema(many=True, required=False)  # type: ignore[assignment]


class PartialBatchAnswerSchema(s.Serializer[Any]):
    created = s.IntegerField()
    found = s.IntegerField(help_text="Earlier jobs, answered instead of new ones.")
    refused = s.IntegerField()
    results = BatchItemSchema(many=True)
