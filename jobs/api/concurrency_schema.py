"""The shape of concurrency keys, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers as s

from jobs.operations import limits as rules


class ConcurrencySchema(s.Serializer[Any]):
    """The fields of whatever makes jobs."""

    concurrency_key = s.CharField(
        required=False,
        allow_blank=True,
        max_length=rules.MAX_CONCURRENCY_KEY,
        help_text="At most `concurrency_limit` of your jobs with this key, of whatever template or "
        "producer, are on their way at once, from their start to their end, retries included. They "
        "start in the order in which they fell due; those without a `run_at` or `delay` in the order "
        "of their creation. Empty: none. No placeholders in templates, whose jobs all have it.",
    )
    concurrency_limit = s.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=rules.MAX_CONCURRENCY,
        help_text="Goes with `concurrency_key`; 1 if left out: strictly one after another.",
    )
