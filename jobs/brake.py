"""The mass-expiry brake: when leases ran out together, they are given one more. Pure.

A lease that ran out says that somebody is dead, or that time passed for nobody: PostgreSQL was away, its
clock jumped, the watcher or all workers stood still. The watcher knows of such an incident by its own
tick, which came late, by PostgreSQL's start, or by many workers that fell silent since its last tick.
Then it goes on judging leases as of that last tick: what ran out later is held for one lease, in which
whoever lives can say so.

So a lease is held by the tick that finds it run out, or not at all, and for no longer than one lease
from then on: a brake that is put on again and again lets go of what it held before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.engine import Engine

# So many workers do not die in one tick each for itself. Two may be all that a machine had.
TOGETHER = 3


class Cause(StrEnum):
    """What shows that leases may have run out for nobody's fault."""

    LATE = "late"  # the watcher's tick came late
    RESTARTED = "restarted"  # PostgreSQL was started since the last tick
    TOGETHER = "together"  # many workers fell silent since the last tick


@dataclass(frozen=True, kw_only=True)
class RanOut:
    """Leases of one sort: those that had not run out at the last tick, and which of them have now."""

    held: int  # by whoever lives, and by those that fell silent since
    lately: int

    @property
    def most(self) -> bool:
        """Whether at least half of them ran out since the last tick."""
        return self.lately > 0 and self.lately * 2 >= self.held


@dataclass(frozen=True, kw_only=True)
class Hold:
    """The brake: from `since` to `until`, leases that ran out after `after` are not acted on."""

    after: datetime
    since: datetime
    until: datetime
    cause: Cause

    def holds(self, now: datetime) -> bool:
        """Tell whether the brake is on; not before it was put on, which a clock may be again."""
        return self.since <= now < self.until


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a tick finds: the last tick, its brake, and what happened since."""

    ticked_at: datetime | None  # None: nobody ever ticked
    hold: Hold | None
    server_started_at: datetime
    clock: datetime  # the server's; a tick that was frozen on its way has an older `now`
    workers: RanOut
    # The same for half of a lease: when there is a suspicion, they may be on their way back.
    quiet: RanOut


def latest(engine: Engine) -> timedelta:
    """Return how far apart two ticks may be: less than half of a lease is lost in between."""
    return timedelta(seconds=engine.watch + engine.worker_lease / 2)


def suspicion(look: Look, *, now: datetime, engine: Engine) -> Cause | None:
    """Return what puts all leases that ran out since the last tick in doubt; None when nothing does."""
    if look.ticked_at is None:
        return None
    if now - look.ticked_at > latest(engine):
        return Cause.LATE
    # A start that lies ahead is one of a clock that was set back since.
    restarted = look.ticked_at < look.server_started_at <= max(now, look.clock)
    return Cause.RESTARTED if restarted else None


def brake(
    look: Look, *, now: datetime, engine: Engine, suspected: Cause | None, jobs: tuple[RanOut, ...]
) -> Hold | None:
    """Return the brake to put on now; None when the present one, if any, stays as it is.

    `jobs`: deadlines and messages, looked at when there is a suspicion.
    """
    if look.ticked_at is None:
        return None
    cause, workers = suspected, look.quiet
    if cause is None and look.workers.lately >= TOGETHER:
        cause, workers = Cause.TOGETHER, look.workers
    if cause is None or not any(leases.most for leases in (workers, *jobs)):
        return None
    until = now + timedelta(seconds=engine.worker_lease)
    return Hold(after=look.ticked_at, since=now, until=until, cause=cause)


def judged_at(hold: Hold | None, now: datetime) -> datetime:
    """Return the moment as of which leases are judged: the past one while the brake is on."""
    return min(hold.after, now) if hold and hold.holds(now) else now


def went_back(look: Look, *, now: datetime, engine: Engine) -> bool:
    """Tell whether the clock was set back: leases then end in a future that they were not made for.

    By less than half a lease it does no harm that the last tick lies ahead: who lives has beaten since.
    """
    if look.ticked_at is None:
        return False
    return look.ticked_at - max(now, look.clock) > timedelta(seconds=engine.worker_lease / 2)
