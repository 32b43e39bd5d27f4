"""The seam through which the rest of the house hears of jobs.

`jobs_transitioned` is sent once per batch, after its statement has committed, with `transitions`: a
sequence of Transition. Metrics, alerts and webhooks listen; a listener that fails is logged and
disturbs nobody.

`jobs_moving` is sent inside the transaction in which attempts or jobs end, with `transitions`, as long as
somebody who watches it wants to be told (`watch_moves`). What a listener writes and the ends are
committed together or not at all; a listener that fails undoes them. While nobody wants to be told, the
verbs open no transaction for it.

`occurrences_skipped` is sent inside the transaction in which the engine decides by itself not to
run occurrences of templates, with `skipped`: a sequence of SkippedOccurrence. What a listener
writes and the decision are committed together or not at all; a listener that fails undoes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.dispatch import Signal

jobs_transitioned = Signal()
jobs_moving = Signal()
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


_wanted: list[Callable[[], bool]] = []


def watch_moves(listener: Callable[..., None], *, wanted: Callable[[], bool], uid: str) -> None:
    """Have `listener` hear `jobs_moving` while `wanted` says so, which is asked for every batch."""
    jobs_moving.connect(listener, dispatch_uid=uid)
    if wanted not in _wanted:
        _wanted.append(wanted)


def moves_are_watched() -> bool:
    """Tell whether somebody wants to hear of ends inside their transactions now."""
    return any(wanted() for wanted in _wanted)


def tell_moves(transitions: Sequence[Transition]) -> None:
    """Tell the listeners, here and now; what they raise is raised."""
    if transitions:
        jobs_moving.send(sender=None, transitions=transitions)


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
