"""Flow rules, and hosts that are given up."""

from typing import Any

from jobs.models import Breaker, Flow
from tests.factories.jobs import NOW, SECOND


def make_flow(**values: Any) -> Flow:
    """Return a stored rule; of the operators unless a merchant is given."""
    if values.pop("paused", False):
        values = {"paused_at": NOW, "paused_by": "ops@example.com", **values}
    return Flow.objects.create(**values)


def make_breaker(**values: Any) -> Breaker:
    """Return a stored host that is given up."""
    return Breaker.objects.create(
        **{
            "failures": 12,
            "error_code": "connection_refused",
            "changed_at": NOW,
            "opened_at": NOW,
            "probe_at": NOW + 10 * SECOND,
            **values,
        }
    )
