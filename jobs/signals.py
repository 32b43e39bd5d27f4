"""The one seam through which the rest of the house hears of jobs.

Sent once per batch, after its statement has committed, with `transitions`: a sequence of
Transition. Metrics, alerts and webhooks listen; a listener that fails is logged and disturbs
nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.dispatch import Signal

jobs_transitioned = Signal()


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One job came to a new status, by the named verb."""

    job_id: UUID
    merchant_id: UUID
    kind: str
    status: str
    verb: str


def announce(transitions: Sequence[Transition]) -> None:
    """Tell the listeners; failures are logged by Django's dispatcher, never raised."""
    if transitions:
        jobs_transitioned.send_robust(sender=None, transitions=transitions)
