"""What a new job says of a parent, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers as s

from jobs.operations.parents import MAX_REF
from jobs.states import Needs

NEEDS = [needs.value for needs in Needs]


class ParentSchema(s.Serializer[Any]):
    """A job that is to end before this one may run."""

    job = s.CharField(
        max_length=MAX_REF, help_text="A job's id, or the `ref` of a job of the same batch."
    )
    on = s.ChoiceField(
        choices=NEEDS,
        default="success",
        help_text="How it has to end; when it ended otherwise, this job is skipped, or cancelled with it.",
    )

    def get_fields(self) -> dict[str, s.Field[Any, Any, Any, Any]]:
        """Return the fields; one of them has a keyword of Python for its name."""
        name = s.CharField(
            required=False,
            allow_blank=True,
            max_length=MAX_REF,
            help_text="What condition and payload call it; else its ref.",
        )
        return {**super().get_fields(), "as": name}
