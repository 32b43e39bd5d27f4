"""How deep each lane's queue is, and how long it will take: for health and metrics.

Every look is bounded. Up to MOST_COUNTED jobs are counted; beyond that their number is estimated from
a sample of the table's pages, and marked as an estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from jobs import liveness
from jobs.drain import JUST_NOW, LATELY, Ended, Places, drain_rate, drain_seconds
from jobs.partitions import first_id
from jobs.statements import depths
from jobs.statements.queueing import QUEUED_PER_LANE
from tenants.statement import execute

# Jobs of a lane that are counted, and attempts that a rate is worked out from.
MOST_COUNTED: Final = 10_000
# Pages of the table that are read to estimate more than that.
PAGES_SAMPLED: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class LaneDepth:
    """The work of one lane. Jobs of merchants that are switched off are not in it."""

    lane: str
    due: int  # their time has come, and they wait in PostgreSQL
    queued: int  # handed to the broker
    running: int
    parked: int  # due, behind a flow rule, a given-up host or others of their key
    estimated: frozenset[str]  # which of `due` and `parked` are estimates
    # Attempts a second, of late; None when nobody has measured it, and without live workers.
    rate: float | None

    @property
    def drain_seconds(self) -> float | None:
        """How long what is due or queued will take, if nothing comes; None when it is unknown."""
        return drain_seconds(self.due + self.queued, self.rate)


@dataclass(frozen=True, kw_only=True)
class _Counts:
    """Jobs of one state by lane, and the lanes of which there are more than were counted."""

    jobs: dict[str, int]
    cut: frozenset[str]


def lane_depths(
    lanes: Sequence[str], *, now: datetime, lease: float, most: int = MOST_COUNTED
) -> list[LaneDepth]:
    """Return the depth of each of `lanes`; `lease`: seconds that a live worker may be silent.

    Costs what `most` rows of each lane cost, or a sample on top, however much is due.
    """
    due, parked = _waiting(lanes, now, most)
    queued = dict(execute(QUEUED_PER_LANE))
    running = dict(execute(depths.RUNNING_PER_LANE))
    rates = _rates(now, lease)
    return [
        LaneDepth(
            lane=lane,
            due=due.jobs.get(lane, 0),
            queued=queued.get(lane, 0),
            running=running.get(lane, 0),
            parked=parked.jobs.get(lane, 0),
            estimated=frozenset(
                state for state, counts in (("due", due), ("parked", parked)) if lane in counts.cut
            ),
            rate=rates.get(lane),
        )
        for lane in lanes
    ]


def _waiting(lanes: Sequence[str], now: datetime, most: int) -> tuple[_Counts, _Counts]:
    """Return what is due and what is parked, counted, and estimated where that ended early."""
    rows = execute(depths.DUE_PER_LANE, lanes=list(lanes), now=now, most=most)
    due = _Counts(
        jobs={lane: number for lane, number, _ in rows},
        cut=frozenset(lane for lane, _, more in rows if more),
    )
    rows = execute(depths.PARKED_PER_LANE, most=most)
    parked = _Counts(
        jobs={lane: number for lane, number, _ in rows},
        # The index of parked jobs knows no lanes: those of any may lie beyond.
        cut=frozenset(lanes if any(more for _, _, more in rows) else ()),
    )
    if due.cut or parked.cut:
        for lane, due_about, parked_about in _estimates(lanes, now):
            for counts, about in ((due, due_about), (parked, parked_about)):
                if lane in counts.cut:
                    counts.jobs[lane] = max(counts.jobs.get(lane, 0), about)
    return due, parked


def _estimates(lanes: Sequence[str], now: datetime) -> list[tuple[str, int, int]]:
    """Return (lane, due, parked) of a sample of the table, scaled up to all of it."""
    ((pages,),) = execute(depths.JOB_PAGES)
    share = min(1.0, PAGES_SAMPLED / max(pages, 1))
    found = execute(depths.SAMPLE, percent=share * 100, lanes=list(lanes), now=now)
    return [(lane, round(due / share), round(parked / share)) for lane, due, parked in found]


def _rates(now: datetime, lease: float) -> dict[str, float | None]:
    since = now - timedelta(seconds=LATELY)
    rows = execute(
        depths.ENDED_LATELY,
        first_id=first_id(since),
        lately=since,
        just_now=now - timedelta(seconds=JUST_NOW),
        most=MOST_COUNTED,
    )
    ended = {
        lane: (_ended(just_now, just_now_since, now), _ended(lately, lately_since, now))
        for lane, lately, lately_since, just_now, just_now_since in rows
    }
    rates: dict[str, float | None] = {}
    for lane, live in liveness.live_lanes(now=now, lease=lease).items():
        just_now, lately = ended.get(lane, (Ended(), Ended()))
        slowest = max(live.run_times.values(), default=0.0)
        places = Places(capacity=live.capacity, run_time=slowest)
        rates[lane] = drain_rate(just_now=just_now, lately=lately, places=places)
    return rates


def _ended(attempts: int, since: datetime | None, now: datetime) -> Ended:
    if since is None:
        return Ended()
    return Ended(attempts=attempts, seconds=(now - since).total_seconds())
