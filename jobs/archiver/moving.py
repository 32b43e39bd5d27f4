"""Finished jobs go from the table of jobs at work to the archive, a batch a transaction."""

from datetime import datetime, timedelta

from jobs import lifecycle
from jobs.lifecycle import Place, Walked
from jobs.partitions import ensure_archive
from jobs.retention import Retention

MOVE_LIMIT = 1_000
MOVE_STEPS = 20


def move(now: datetime, retention: Retention, place: Place) -> Walked:
    """Move jobs that ended long enough ago, from a place of the walk on."""
    before = now - timedelta(seconds=retention.archive_after)
    moved = 0
    onwards: Place | None = place
    for _ in range(MOVE_STEPS):
        if onwards is None:
            break
        walked = lifecycle.archive(
            before=before, now=now, after=onwards, limit=MOVE_LIMIT, make_room=ensure_archive
        )
        moved += walked.moved
        onwards = walked.place
    return Walked(moved=moved, place=onwards)
