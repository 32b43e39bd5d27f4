"""How a redrive proceeds: one job first, then a tenth, then all. Pure."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

TENTH: Final = 10
# So many seconds' worth of jobs may go at once after a pause.
BURST: Final = 5.0


class Stage(StrEnum):
    """How much of a redrive may go."""

    CANARY = "canary"  # one job, until one has succeeded
    TENTH = "tenth"  # a tenth of all, until these have ended
    REST = "rest"


class RedriveState(StrEnum):
    """Whether a redrive goes on."""

    RUNNING = "running"
    STOPPED = "stopped"  # by a new failure or a person; it can be resumed
    DONE = "done"


class ItemState(StrEnum):
    """What became of one dead letter of a redrive."""

    WAITING = "waiting"
    GOING = "going"  # its job has a new round of attempts
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"  # the job was cancelled, skipped or forgotten
    LEFT_OUT = "left_out"  # not run: resolved meanwhile, or it cannot run; the note says why


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many letters a redrive has, and what became of them so far."""

    total: int
    redriven: int  # whose jobs got a new round of attempts
    succeeded: int
    failed: int
    cancelled: int
    left_out: int

    @property
    def going(self) -> int:
        """How many of the redriven have not ended."""
        return self.redriven - self.succeeded - self.failed - self.cancelled

    @property
    def left(self) -> int:
        """How many wait for their turn."""
        return self.total - self.redriven - self.left_out

    @property
    def over(self) -> bool:
        """Whether nothing waits and nothing goes."""
        return self.left == 0 and self.going == 0


def stage_after(stage: Stage, tally: Tally) -> Stage:
    """Return where a redrive stands, once what its stage let go has ended well enough."""
    if stage is Stage.CANARY and tally.going == 0 and tally.succeeded > 0:
        stage = Stage.TENTH
    if stage is Stage.TENTH and tally.going == 0 and tally.redriven >= _tenth(tally):
        stage = Stage.REST
    return stage


def room(stage: Stage, tally: Tally) -> int:
    """Return how many more jobs the stage lets go now."""
    match stage:
        case Stage.CANARY:
            # One that was cancelled, or failed before somebody resumed, says nothing: another one goes.
            open_to = 1 if tally.going == 0 and tally.succeeded == 0 else 0
        case Stage.TENTH:
            open_to = max(0, _tenth(tally) - tally.redriven)
        case Stage.REST:
            open_to = tally.left
    return min(open_to, tally.left)


def allowance_after(allowance: float, *, rate: float, elapsed: float) -> float:
    """Return how many jobs may go by the rate (jobs per second), `elapsed` seconds later."""
    return min(allowance + rate * max(0.0, elapsed), max(1.0, rate * BURST))


def _tenth(tally: Tally) -> int:
    return math.ceil(tally.total / TENTH)
