"""The watcher's tick and its brake, kept in PostgreSQL: any number of watchers agree on both.

What jobs.brake decides is written only if nobody ticked meanwhile; else it is decided anew.
"""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from jobs.brake import Cause, Hold, Look, RanOut, brake, judged_at, suspicion, went_back
from jobs.engine import Engine
from jobs.statements import watching
from tenants.statement import execute

logger = logging.getLogger(__name__)

# Each time another watcher ticked in between; so many do not come in the time of a few statements.
TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A tick of the watcher."""

    # The moment as of which leases are judged.
    judged_at: datetime
    braked: bool


@dataclass(frozen=True, kw_only=True)
class Vigil:
    """What is known of the watchers: the last tick of any, and their brake."""

    ticked_at: datetime | None
    hold: Hold | None  # None while the brake is off
    brakes: int  # how often it was put on


def tick(*, now: datetime, engine: Engine) -> Tick:
    """Note a tick, put the brake on if leases ran out together, and say how to judge leases."""
    for _ in range(TRIES):
        ticked = _tick(now, engine)
        if ticked is not None:
            return ticked
    # Whoever always comes second takes nothing that had not run out when the last of them came.
    look = _look(now, engine)
    now = min(now, look.ticked_at or now)
    return Tick(judged_at=judged_at(look.hold, now), braked=look.hold is not None)


def _tick(now: datetime, engine: Engine) -> Tick | None:
    """Do so, unless another watcher ticks in between: it may have known less than this one (a clock
    that it read before the database stood still), so that its decision does not hold for both."""
    look = _look(now, engine)
    if went_back(look, now=now, engine=engine):
        _renew(now, engine)
        # It would be put on again when the clock comes to that moment once more.
        look = replace(look, hold=None)
    else:
        now = _not_before(look, now)
    suspected = suspicion(look, now=now, engine=engine)
    jobs = _ran_out(look, now) if suspected else ()
    put_on = brake(look, now=now, engine=engine, suspected=suspected, jobs=jobs)
    hold = put_on or look.hold
    if not _written(look, hold, now, begins=put_on is not None):
        return None
    _tell(look, put_on, now)
    return Tick(judged_at=judged_at(hold, now), braked=hold is not None and hold.holds(now))


def _not_before(look: Look, now: datetime) -> datetime:
    """Return `now`, or the last tick if that is later: to an older clock its brake is not on yet."""
    return max(now, look.ticked_at) if look.ticked_at else now


def vigil(now: datetime) -> Vigil:
    """Return the last tick and the brake. One row."""
    rows = execute(watching.BRAKE)
    if not rows:
        return Vigil(ticked_at=None, hold=None, brakes=0)
    [(ticked_at, *held, brakes)] = rows
    hold = _hold(*held)
    return Vigil(
        ticked_at=ticked_at, hold=hold if hold and hold.holds(now) else None, brakes=brakes
    )


def _look(now: datetime, engine: Engine) -> Look:
    [row] = execute(watching.LOOK, now=now, lease=engine.worker_lease)
    ticked_at, *held, server_started_at, clock, workers, lately, quiet = row
    return Look(
        ticked_at=ticked_at,
        hold=_hold(*held),
        server_started_at=server_started_at,
        clock=clock,
        workers=RanOut(held=workers, lately=lately),
        quiet=RanOut(held=workers, lately=quiet),
    )


def _hold(
    after: datetime | None, since: datetime | None, until: datetime | None, cause: str | None
) -> Hold | None:
    if after is None or since is None or until is None or not cause:
        return None
    return Hold(after=after, since=since, until=until, cause=Cause(cause))


def _ran_out(look: Look, now: datetime) -> tuple[RanOut, ...]:
    [row] = execute(watching.RAN_OUT, after=look.ticked_at, now=now)
    deadlines, overdue, messages, unclaimed = row
    return (
        RanOut(held=deadlines, lately=overdue),
        RanOut(held=messages, lately=unclaimed),
    )


def _written(look: Look, hold: Hold | None, now: datetime, *, begins: bool) -> bool:
    """Write the tick unless another watcher ticked since the look; tell whether it was written."""
    written = execute(
        watching.TICK,
        ticked_at=now,
        looked_at=look.ticked_at,
        held_after=hold.after if hold else None,
        held_since=hold.since if hold else None,
        held_until=hold.until if hold else None,
        cause=hold.cause.value if hold else "",
        brakes=1 if begins else 0,
    )
    return bool(written)


def _renew(now: datetime, engine: Engine) -> None:
    """Let leases that end in a future of a clock that was set back begin anew."""
    workers = execute(watching.RENEW_WORKERS, now=now)
    messages = execute(watching.RENEW_MESSAGES, now=now, lease=engine.queue_lease)
    deadlines = execute(watching.RENEW_DEADLINES, now=now, grace=engine.deadline_grace)
    logger.warning(
        "PostgreSQL's clock was set back: the leases of %d workers, %d messages and %d attempts "
        "begin anew",
        len(workers),
        len(messages),
        len(deadlines),
    )


def in_words(hold: Hold) -> str:
    """Return a sentence for people about a brake that is on."""
    return (
        f"Many workers, attempts or messages fell silent at once ({_WHY[hold.cause]}). They are given "
        f"until {hold.until.astimezone(UTC):%H:%M:%S} UTC before their jobs are run again."
    )


_WHY = {
    Cause.LATE: "the watcher's tick came late: PostgreSQL was away, its clock jumped, or the "
    "watcher stood still",
    Cause.RESTARTED: "PostgreSQL was restarted",
    Cause.TOGETHER: "several workers within one tick",
}


def _tell(look: Look, put_on: Hold | None, now: datetime) -> None:
    if put_on:
        logger.warning(
            "Brake on: most leases ran out together (%s; %d of %d workers are silent). Nothing that "
            "ran out since %s is taken back before %s",
            _WHY[put_on.cause],
            look.quiet.lately,
            look.quiet.held,
            put_on.after.isoformat(timespec="seconds"),
            put_on.until.isoformat(timespec="seconds"),
        )
        return
    hold, before = look.hold, look.ticked_at
    if hold and before and hold.holds(before) and not hold.holds(now):
        logger.info("Brake off: what is silent still is taken back")
