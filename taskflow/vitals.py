"""What health and metrics both tell of the platform, read in one place."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import OperationalError, transaction
from psycopg.errors import QueryCanceled

from jobs import liveness, pulse
from jobs.depth import LaneDepth, lane_depths
from jobs.handlers.registry import served_lanes

__all__ = ["in_time", "live_workers", "pulses", "queue_depths", "served_lanes"]

T = TypeVar("T")


def live_workers(now: datetime) -> dict[str, int]:
    """Return how many live worker processes each lane has, 0 included, and the control lane's."""
    engine = settings.TASKFLOW_ENGINE
    # The control lane shows by the watcher's ticks, which may be further apart than heartbeats.
    live = liveness.live_lanes(now=now, lease=max(engine.worker_lease, engine.watch * 3))
    names = [*served_lanes(), liveness.CONTROL]
    return {lane: live[lane].workers if lane in live else 0 for lane in names}


def queue_depths(now: datetime) -> list[LaneDepth]:
    """Return the depth of each served lane."""
    return lane_depths(served_lanes(), now=now, lease=settings.TASKFLOW_ENGINE.worker_lease)


def pulses(now: datetime) -> list[pulse.Pulse]:
    """Return how the canaries of each served lane fare."""
    return pulse.pulses(served_lanes(), now=now, engine=settings.TASKFLOW_ENGINE)


def in_time(read: Callable[[datetime], T], now: datetime) -> T | None:
    """Return what `read` finds at `now`; None when a statement ran into the caller's time limit."""
    try:
        with transaction.atomic():
            return read(now)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return None
