"""The shapes of graphs in answers, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers as s

from jobs.api.parent_schema import NEEDS
from jobs.api.schemas import JobReceiptSchema
from jobs.states import NeedOutcome


class GraphJobSchema(JobReceiptSchema):
    condition = s.CharField(allow_blank=True)
    skip_reason = s.CharField(allow_blank=True)


class DependencySchema(s.Serializer[Any]):
    """`job` runs after `depends_on`."""

    job = s.UUIDField()
    depends_on = s.UUIDField()
    on = s.ChoiceField(choices=NEEDS)
    outcome = s.ChoiceField(choices=[outcome.value for outcome in NeedOutcome])

    def get_fields(self) -> dict[str, s.Field[Any, Any, Any, Any]]:
        """Return the fields; one of them has a keyword of Python for its name."""
        return {**super().get_fields(), "as": s.CharField()}


class GraphSchema(s.Serializer[Any]):
    """The jobs that are connected by dependencies."""

    jobs = GraphJobSchema(many=True)
    dependencies = DependencySchema(many=True)
    more = s.BooleanField(help_text="Whether some were left out, being too many.")
