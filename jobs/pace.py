"""How fast each lane takes jobs out of the broker: what decides how many may lie there. Pure.

Order is decided late only if little lies in the broker; but workers must never find it empty while
more is due. So the depth is what was taken of late in a fraction of a second, never what run times
promise: a machine that is short of processor takes no-ops a thousand times slower than they run.
"""

import math
from dataclasses import dataclass
from datetime import datetime

# Seconds of a lane's own pace that may lie in the broker.
DEPTH = 0.15
# Seconds after which an old pace counts a third.
MEMORY = 0.5
# Jobs that may lie there at any pace: enough to find out how fast a lane is.
FEWEST = 4
MOST_UNPROVEN = 200


@dataclass(kw_only=True)
class _Lane:
    at: datetime
    queued: int
    pace: float = 0.0  # jobs a second


class Pace:
    """What one populator has seen of the lanes. Not shared; a new leader finds out anew."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}

    def seen(self, lane: str, *, queued: int, now: datetime) -> None:
        """Take in how many jobs lie in a lane's queue now."""
        known = self._lanes.get(lane)
        if known is None:
            self._lanes[lane] = _Lane(at=now, queued=queued)
            return
        seconds = (now - known.at).total_seconds()
        if seconds <= 0:
            return
        pace = max(known.queued - queued, 0) / seconds
        if queued:
            known.pace += (1 - math.exp(-seconds / MEMORY)) * (pace - known.pace)
        else:
            # Found empty, it could have taken more: what it showed before still holds.
            known.pace = max(known.pace, pace)
        known.at, known.queued = now, queued

    def handed(self, lane: str, jobs: int) -> None:
        """Take in that so many jobs were added to a lane's queue since it was last seen."""
        if lane in self._lanes:
            self._lanes[lane].queued += jobs

    def depth(self, lane: str, *, capacity: int, run_time: float) -> int:
        """Return how many jobs may lie in the lane's queue.

        `run_time` is that of its slowest work in seconds, 0 when nobody has measured any.
        """
        promised = capacity * max(1.0, DEPTH / run_time) if run_time else capacity
        unproven = max(FEWEST, int(min(promised, MOST_UNPROVEN)))
        known = self._lanes.get(lane)
        return max(unproven, int(known.pace * DEPTH)) if known else unproven
