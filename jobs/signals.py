"""The seam through which the rest of the house hears of jobs.

`jobs_transitioned` is sent once per batch, after its statement has committed, with `transitions`: a
sequence of Transition. Metrics, alerts and webhooks listen; a listener that fails is logged and
disturbs nobody.

`occurrences_skipped` is sent inside the transaction in which the engine decides by itself not to
run occurrences of templates, with `skipped`: a sequence of SkippedOccurrence. What a listener
writes and the decision are committed together or not at all; a listener that fails undoes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.dispatch import Signal

jobs_transitioned = Signal()
occurrences_skipped = Signal()


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


@dataclass(frozen=True, kw_only=True)
class SkippedOccurrence:
    """An occurrence that the engine did not run: its job is skipped, or was cancelled unstarted."""

    job_id: UUID
    merchant_id: UUID
    template_id: UUID
    occurrence_at: datetime | None  # None for a run-now job
    cause: str  # "overlap"
    reason: str  # a sentence for people, as in Job.skip_reason


def tell_skipped(skipped: Sequence[SkippedOccurrence]) -> None:
    """Tell the listeners, here and now; what they raise is raised."""
    if skipped:
        occurrences_skipped.send(sender=None, skipped=skipped)
