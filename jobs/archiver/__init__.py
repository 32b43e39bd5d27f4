"""The archiver: moves finished jobs out of the way, and lets go of what nobody keeps any more.

One step does a bounded amount of each, in short transactions; whoever wants all of it done steps until
there is no `more`. One archiver works at a time, others come back empty-handed.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from jobs.archiver.moving import move
from jobs.archiver.pruning import prune, prune_dependencies
from jobs.archiver.retiring import retire
from jobs.engine import ARCHIVER_LOCK
from jobs.lifecycle import BEGINNING, Place
from jobs.retention import Retention


@dataclass(frozen=True, kw_only=True)
class Archived:
    """What one step did."""

    moved: int = 0  # finished jobs that went to the archive
    pruned_jobs: int = 0  # of merchants that keep theirs for a shorter time than others
    pruned_executions: int = 0
    pruned_dependencies: int = 0
    detached: tuple[str, ...] = ()  # weeks that nobody keeps any more
    exported_rows: int = 0
    dropped: tuple[str, ...] = ()
    failure: str = ""  # why a week could not be exported; it stays
    blocked: bool = False  # somebody held a table for long; try again in a while
    busy: bool = False  # another archiver is at work; nothing was done
    more: bool = False
    # Where the next step goes on with moving; None: at the beginning, another day.
    place: Place | None = None


def archive(now: datetime, retention: Retention, *, place: Place | None = BEGINNING) -> Archived:
    """Do one step. What fails is told; the rest is done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ARCHIVER_LOCK])
        if not cursor.fetchone()[0]:
            return Archived(busy=True)
        try:
            return _step(now, retention, place)
        finally:
            # With the connection the lock is gone as well.
            if connection.connection is not None and not connection.connection.closed:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ARCHIVER_LOCK])


def _step(now: datetime, retention: Retention, place: Place | None) -> Archived:
    moved = move(now, retention, place)
    pruned = prune(now, retention)
    # Once a night, not with each step: it is a walk.
    dependencies = prune_dependencies(now, retention) if moved.place is None else 0
    retired = retire(now, retention)
    return Archived(
        moved=moved.moved,
        pruned_jobs=pruned.jobs,
        pruned_executions=pruned.executions,
        pruned_dependencies=dependencies,
        detached=retired.detached,
        exported_rows=retired.exported_rows,
        dropped=retired.dropped,
        failure=retired.failure,
        blocked=moved.blocked or retired.blocked,
        more=moved.place is not None or pruned.more or retired.more,
        place=moved.place,
    )
