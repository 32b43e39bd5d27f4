"""How every verb runs its statement, and how the house hears of what it moved."""

from typing import Any, TypeVar

from django.db import connection, transaction

from jobs import signals
from jobs.rows import Moved

AnyMoved = TypeVar("AnyMoved", bound=Moved)


def rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


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
