"""How the house hears of what a verb moved."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

from jobs import signals
from jobs.rows import Moved
from jobs.states import FINAL

AnyMoved = TypeVar("AnyMoved", bound=Moved)
P = ParamSpec("P")
R = TypeVar("R")


def ends_jobs(verb: Callable[P, R]) -> Callable[P, R]:
    """Give a verb that may end jobs a transaction while `jobs_moving` is watched; none otherwise."""

    @wraps(verb)
    def within(*args: P.args, **kwargs: P.kwargs) -> R:
        if not signals.moves_are_watched():
            return verb(*args, **kwargs)
        with transaction.atomic():
            return verb(*args, **kwargs)

    return within


def announce(verb: str, moved: list[AnyMoved]) -> list[AnyMoved]:
    """Tell the listeners of `jobs_transitioned` after the commit; return what was given.

    Those of `jobs_moving` hear of ends at once, inside the verb's transaction.
    """
    if not moved:
        return moved
    # A verb that began before anybody watched runs without a transaction: nothing may be written then.
    if connection.in_atomic_block and signals.moves_are_watched():
        ended = [job for job in moved if job.status in FINAL or verb == "finish"]
        signals.tell_moves([_transition(verb, job) for job in ended])
    if signals.jobs_transitioned.has_listeners():
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
