"""Flow rules."""

from typing import Any

from jobs.models import Flow
from tests.factories.jobs import NOW


def make_flow(**values: Any) -> Flow:
    """Return a stored rule; of the operators unless a merchant is given."""
    if values.pop("paused", False):
        values = {"paused_at": NOW, "paused_by": "ops@example.com", **values}
    return Flow.objects.create(**values)
