"""How the house hears of what a verb moved."""

from typing import TypeVar

from django.db import transaction

from jobs import signals
from jobs.rows import Moved

AnyMoved = TypeVar("AnyMoved", bound=Moved)


def announce(verb: str, moved: list[AnyMoved]) -> list[AnyMoved]:
    """Tell the listeners of `jobs_transitioned` after the commit; return what was given."""
    if moved and signals.jobs_transitioned.has_listeners():
        transitions = [_transition(verb, job) for job in moved]
        transaction.on_commit(lambda: signals.announce(transitions))
    return moved


def _transition(verb: str, job: Moved) -> signals.Transition:
    return signals.Transition(
        job_id=job.job_id,
        merchant_id=job.merchant_id,
        kind=job.kind,
        status=job.status,
        verb=verb,
    )
