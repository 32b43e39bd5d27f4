"""Whether the lanes' workers really take and finish jobs: for health, metrics and alerts. Reads only.

A worker that is up and takes nothing (after the broker was away, say) looks like a live one. So a
canary is sent now and then; a lane in which one waits for too long is silent, unless something shows
why: all places taken by long jobs, a job that was taken of late, or a flow rule that holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.engine import Engine
from jobs.statements.canaries import PULSES
from jobs.states import JobStatus
from tenants.statement import execute


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """What is known of one lane's canaries."""

    lane: str
    workers: int  # that live
    succeeded_at: datetime | None  # the last canary that came back
    took: float | None  # seconds that it took
    waits_since: datetime | None  # when the one that is not finished yet was due
    # Since when the lane's workers take and finish nothing, and what is known of the reason.
    silent_since: datetime | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class SilentLane:
    """A lane whose jobs wait although they should not."""

    lane: str
    since: datetime
    reason: str  # a sentence for people


def pulses(lanes: Sequence[str], *, now: datetime, engine: Engine) -> list[Pulse]:
    """Return what is known of each of `lanes`."""
    rows = execute(PULSES, lanes=list(lanes), now=now, lease=engine.worker_lease)
    patience = timedelta(seconds=engine.lane_silence)
    found = [_Row(*row) for row in rows]
    return [
        Pulse(
            lane=row.lane,
            workers=row.alive,
            succeeded_at=row.succeeded_at,
            took=row.took,
            waits_since=row.due_at,
            silent_since=silence[0] if silence else None,
            reason=silence[1] if silence else "",
        )
        for row in found
        for silence in [_silence(row, now - patience)]
    ]


def silent_lanes(lanes: Sequence[str], *, now: datetime, engine: Engine) -> list[SilentLane]:
    """Return those of `lanes` that are silent, and since when.

    A lane that never had a worker is not: nobody knows since when it should have one.
    """
    return [
        SilentLane(lane=pulse.lane, since=pulse.silent_since, reason=pulse.reason)
        for pulse in pulses(lanes, now=now, engine=engine)
        if pulse.silent_since is not None
    ]


@dataclass(frozen=True)
class _Row:
    """What PULSES returns, in that order of columns."""

    lane: str
    succeeded_at: datetime | None
    took: float | None
    due_at: datetime | None
    status: str
    gate: str
    counts: bool
    alive: int
    capacity: int
    heard_at: datetime | None
    running: int
    started_at: datetime | None
    attempt: int

    @property
    def is_kept_waiting(self) -> bool:
        """Whether all places are taken by long jobs."""
        return self.status != JobStatus.RUNNING and self.running >= self.capacity

    def is_passed_by(self, since: datetime) -> bool:
        """Whether the workers took another job after `since`, and never this one."""
        return self.attempt == 0 and self.started_at is not None and self.started_at > since


def _silence(row: _Row, before: datetime) -> tuple[datetime, str] | None:
    """Return since when a lane is silent, and a sentence; None when it is not."""
    if row.alive == 0:
        heard = [moment for moment in (row.heard_at, row.succeeded_at) if moment is not None]
        if not heard or max(heard) > before:
            return None
        return max(heard), f"No worker of lane {row.lane} lives; its jobs wait."
    if row.due_at is None or row.due_at > before or not row.counts or row.gate:
        return None
    if row.is_kept_waiting or row.is_passed_by(before):
        return None
    return row.due_at, _WHERE.get(row.status, _WHERE[JobStatus.SCHEDULED]).format(lane=row.lane)


_WHERE: dict[str, str] = {
    JobStatus.SCHEDULED: "Lane {lane} has workers, but nobody hands its jobs to the broker: look at "
    "the populator, and whether messages pile up in the broker.",
    JobStatus.QUEUED: "Lane {lane} has workers, but they take no jobs out of the broker: restart "
    "them.",
    JobStatus.RUNNING: "A worker of lane {lane} takes jobs and does not finish them: look for a frozen "
    "process, and restart it.",
}
