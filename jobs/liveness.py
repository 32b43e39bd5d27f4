"""Workers' rows: registered at start, kept by heartbeats, declared lost when silent."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.statements import liveness
from tenants.statement import execute

logger = logging.getLogger(__name__)

CONTROL = "control"
WATCHER_ID = UUID("00000000-0000-7000-8000-000000000001")
# Seconds by which a deadline may be earlier than a worker's own: a busy one begins late what it claimed.
LEEWAY = 2.0


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """What a worker learns from its own heartbeat."""

    alive: bool  # False: it was declared lost, its jobs are no longer its own
    running: frozenset[tuple[UUID, int]]  # (job id, ticket) of its attempts
    cancel: tuple[tuple[UUID, int], ...]  # those of them to stop


@dataclass(frozen=True, kw_only=True)
class LiveLane:
    """The live workers of a lane together."""

    lane: str
    workers: int
    capacity: int
    # "kind:handler" -> mean seconds of an attempt, the slowest worker's.
    run_times: Mapping[str, float]
    queued: int = 0  # jobs of the lane whose messages lie in the broker


@dataclass(frozen=True, kw_only=True)
class LostWorker:
    """A worker process that fell silent."""

    worker_id: UUID
    name: str
    lane: str


def register(*, worker_id: UUID, name: str, lane: str, capacity: int) -> None:
    """Announce a worker process; it may claim jobs from now on."""
    execute(liveness.REGISTER, id=worker_id, name=name[:200], lane=lane, capacity=capacity)


def beat(
    *,
    worker_id: UUID,
    finished: int,
    run_times: Mapping[str, float],
    left: Mapping[tuple[UUID, int], float],
    grace: float,
) -> Heartbeat:
    """Keep the worker and all its running jobs alive; learn which of them to stop.

    `left`: seconds that attempts may still take by the worker's own clock, which no change of
    PostgreSQL's touches. A deadline that leaves them less, and `grace`, is set anew; before the beat,
    since the watcher takes nothing whose worker has not beaten since the deadline.
    """
    measured = json.dumps(dict(run_times))
    rows = execute(liveness.RUNNING, id=worker_id)
    short = [
        (row[0], row[1], float(left[row[0], row[1]] + grace))
        for row in rows
        if (row[0], row[1]) in left and left[row[0], row[1]] + grace > row[3] + LEEWAY
    ]
    if short:
        _renew_deadlines(worker_id, short)
    alive = execute(liveness.BEAT, id=worker_id, finished=finished, run_times=measured)
    return Heartbeat(
        alive=bool(alive),
        running=frozenset((row[0], row[1]) for row in rows),
        cancel=tuple((row[0], row[1]) for row in rows if row[2]),
    )


def _renew_deadlines(worker_id: UUID, short: Sequence[tuple[UUID, int, float]]) -> None:
    logger.warning("PostgreSQL's clock went ahead: %d deadlines are set anew", len(short))
    ids, tickets, seconds = (list(column) for column in zip(*short, strict=True))
    execute(liveness.RENEW, id=worker_id, ids=ids, tickets=tickets, seconds=seconds)


def show_progress(reports: Sequence[tuple[UUID, int, int, str]]) -> None:
    """Write (job id, ticket, percent, note) of attempts that still run."""
    if not reports:
        return
    ids, tickets, progress, notes = (list(column) for column in zip(*reports, strict=True))
    execute(liveness.SHOW_PROGRESS, ids=ids, tickets=tickets, progress=progress, notes=notes)


def ticked(now: datetime) -> None:
    """Say that the control lane works: the watcher ticked at `now`."""
    execute(liveness.TICKED, id=WATCHER_ID, now=now)


def stop(worker_id: UUID) -> None:
    """Say goodbye; to be called after the worker's jobs were finished or handed back."""
    execute(liveness.STOP, id=worker_id)


def declare_lost(*, now: datetime, lease: float) -> list[LostWorker]:
    """Mark workers whose last heartbeat is older than `lease` seconds; they never come back."""
    lost = execute(liveness.DECLARE_LOST, now=now, lease=lease)
    return [LostWorker(worker_id=row[0], name=row[1], lane=row[2]) for row in lost]


def live_lanes(*, now: datetime, lease: float) -> dict[str, LiveLane]:
    """Return the lanes that have live workers."""
    rows = execute(liveness.LIVE_LANES, now=now, lease=lease)
    return {
        lane: LiveLane(
            lane=lane,
            workers=workers,
            capacity=int(capacity),
            run_times=_slowest(run_times),
            queued=queued,
        )
        for lane, workers, capacity, run_times, queued in rows
    }


def _slowest(run_times: Any) -> dict[str, float]:
    measured = json.loads(run_times) if isinstance(run_times, str) else run_times
    slowest: dict[str, float] = {}
    for worker in measured:
        for key, seconds in worker.items():
            slowest[key] = max(seconds, slowest.get(key, 0.0))
    return slowest
