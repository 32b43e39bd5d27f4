"""Finished jobs go from the table of jobs at work to the archive, a batch a transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs import lifecycle
from jobs.lifecycle import Place
from jobs.partitions import TableHeld, ensure_archive
from jobs.retention import Retention

MOVE_LIMIT = 1_000
MOVE_STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Moved:
    """How many jobs went, where the walk goes on, and whether somebody held the archive for long."""

    moved: int
    place: Place | None
    blocked: bool


def move(now: datetime, retention: Retention, place: Place | None) -> Moved:
    """Move jobs that ended long enough ago, from a place of the walk on."""
    before = now - timedelta(seconds=retention.archive_after)
    moved = 0
    onwards = place
    for _ in range(MOVE_STEPS):
        if onwards is None:
            break
        try:
            walked = lifecycle.archive(
                before=before, now=now, after=onwards, limit=MOVE_LIMIT, make_room=ensure_archive
            )
        except TableHeld:
            return Moved(moved=moved, place=onwards, blocked=True)
        moved += walked.moved
        onwards = walked.place
    return Moved(moved=moved, place=onwards, blocked=False)
