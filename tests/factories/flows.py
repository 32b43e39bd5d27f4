"""Flow rules, and hosts that are given up."""

from typing import Any

from jobs.models import Breaker, Flow
from tests.factories.jobs import NOW, SECOND


def make_flow(**values: Any) -> Flow:
    """Return a stored rule; the operators' over all merchants unless a merchant is given."""
    values.setdefault("set_by_operators", values.get("merchant") is None)
    if values.pop("paused", False):
        values = {"paused_at": NOW, "paused_by": "ops@example.com", **values}
    return Flow.objects.create(**values)


def make_breaker(**values: Any) -> Breaker:
    """Return a stored host that is given up, and was tried since; one with opened_at=None is not."""
    given = {
        "failures": 12,
        "error_code": "connection_refused",
        "changed_at": NOW,
        "opened_at": NOW,
        "probe_at": NOW + 10 * SECOND,
        **values,
    }
    if given["opened_at"] is not None:
        given = {"tried_since": given["opened_at"], "tried_at": given["changed_at"], **given}
    return Breaker.objects.create(**given)
