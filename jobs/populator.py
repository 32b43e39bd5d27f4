"""The populator: due jobs -> tickets -> the broker, in batches, at the exact moment.

One leads and the others stand by, so that order and limits are exact; two at once would do no harm
either (rows are locked, tickets decide). It commits first and publishes after: what gets lost in
between is rescheduled when its queue lease runs out.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from jobs import lifecycle, liveness
from jobs.engine import POPULATOR_LOCK, Engine
from jobs.fault_points import POPULATOR_AFTER_COMMIT, POPULATOR_AFTER_PUBLISH
from jobs.fault_points import reach as reach_point
from jobs.flow import FlowRule, declared_rules
from jobs.flow_shares import Reach
from jobs.handlers.registry import LANES, most_active
from jobs.lifecycle import Released, Resolved, Settled
from jobs.liveness import LiveLane
from jobs.operations.judging import judge
from jobs.pace import Pace
from jobs.packing import pack
from jobs.publishing import BrokerUnavailable, Message, publish
from jobs.rows import Queued
from jobs.statements.queueing import NEXT_DUE
from tenants.statement import execute

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Populated:
    """What one step did."""

    queued: int = 0
    messages: int = 0
    expired: int = 0
    # Occurrences that were not run because a sibling was still going.
    skipped: int = 0
    # Jobs that depended on others: let through, and skipped, cancelled or failed.
    unblocked: int = 0
    given_up: int = 0
    # The step's limit was reached: there is more to do now.
    more: bool = False
    # Due jobs may have been left waiting because the lanes are full.
    full: bool = False
    # The broker did not take the messages; their jobs are scheduled again.
    refused: int = 0
    # Deciding on overlaps failed and was undone: those jobs wait for the next step.
    undecided: bool = False


def populate(
    now: datetime, engine: Engine, pace: Pace | None = None, reach: Reach | None = None
) -> Populated:
    """Queue and publish what is due, as much as the lanes have room for.

    `pace` and `reach`: what the caller's earlier steps have seen of the lanes, and of the lines of
    flow rules.
    """
    pace, reach = pace or Pace(), reach or Reach()
    seen = lifecycle.survey(now)
    decided = _decide(now, engine) if seen.undecided else Decided()
    # A rule may have been made while that took its time.
    flows = seen.flows or (seen.undecided and lifecycle.flows_apply())
    declared = declared_rules(most_active())
    lanes = liveness.live_lanes(now=now, lease=engine.worker_lease)
    room = _room(lanes, engine, pace, now)
    released = Released()
    if flows:
        free = {lane: min(places, engine.step_limit) for lane, places in room.items()}
        released = lifecycle.release_parked(
            now=now, places=free, declared=declared, reach=reach.jobs
        )
    messages: list[Message] = []
    more = full = False
    went = 0  # of those let out of lines
    for lane, places in room.items():
        # An idle lane starts on its first message while the rest is queued.
        idle = not lanes[lane].queued
        most = min(engine.step_limit, engine.message_jobs) if idle else engine.step_limit
        limit = min(places, most)
        if limit <= 0:
            full = True
            continue
        if flows or declared:
            jobs, left = _queue_within_flows(lane, now, limit, engine, declared, released.ids)
            went += sum(job.job_id in released.ids for job in jobs)
        else:
            jobs, left = _queue(lane, now, limit, engine)
        pace.handed(lane, len(jobs))
        messages.extend(pack(jobs, lanes[lane], engine))
        more = more or (left and len(jobs) < limit) or (len(jobs) == limit == most)
        full = full or (len(jobs) == limit < most)
    again = reach.told(released=len(released.ids), room=released.room, went=went)
    refused = _publish(messages)
    return Populated(
        queued=sum(len(message.tickets) for message in messages),
        messages=len(messages),
        expired=decided.expired,
        skipped=decided.settled.skipped if decided.settled else 0,
        unblocked=decided.resolved.opened,
        given_up=decided.resolved.ended,
        more=more or decided.more or released.more or again,
        full=full,
        refused=refused,
        undecided=decided.settled is None,
    )


def next_due(now: datetime) -> datetime | None:
    """Return when the next waiting job after `now` is due, or a rule's next token comes."""
    [(due,)] = execute(NEXT_DUE, now=now, lanes=list(LANES))
    moments = [moment for moment in (due, lifecycle.next_token(now)) if moment is not None]
    return min(moments, default=None)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What became of jobs that somebody had to decide on before the lanes are looked at."""

    expired: int = 0
    resolved: Resolved = field(default_factory=Resolved)
    # None: deciding on overlaps failed.
    settled: Settled | None = field(default_factory=Settled)
    more: bool = False


def _decide(now: datetime, engine: Engine) -> Decided:
    expired = lifecycle.expire(now=now, limit=engine.step_limit)
    # What is opened here may be due at once.
    resolved = _settle_dependencies(now, engine)
    # Not later: what is skipped is decided when it is due, not when there is room.
    settled = _settle_overlaps(now, engine)
    granted = lifecycle.grant_places(now=now, limit=engine.step_limit)
    full = len(expired) == engine.step_limit
    return Decided(
        expired=len(expired),
        resolved=resolved,
        settled=settled,
        more=full or resolved.more or granted.more or (settled is not None and settled.more),
    )


def _settle_overlaps(now: datetime, engine: Engine) -> Settled | None:
    """Decide on overlaps; None when a listener failed, which must not hold up all other jobs."""
    try:
        return lifecycle.settle_overlaps(now=now, limit=engine.step_limit)
    except (OperationalError, InterfaceError):
        raise  # the database is away: for all that follows as well
    except Exception:
        logger.exception("Overlaps were not decided; the next step tries again")
        return None


def _settle_dependencies(now: datetime, engine: Engine) -> Resolved:
    """Settle dependencies; nothing when that failed, which must not hold up all other jobs."""
    try:
        return lifecycle.settle_dependencies(now=now, limit=engine.step_limit, judge=judge)
    except (OperationalError, InterfaceError):
        raise  # the database is away: for all that follows as well
    except Exception:
        logger.exception("Dependencies were not settled; the next step tries again")
        return Resolved()


def try_to_lead() -> bool:
    """Take the session's advisory lock; it is held until this connection ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [POPULATOR_LOCK])
        row = cursor.fetchone()
    return bool(row and row[0])


def _publish(messages: list[Message]) -> int:
    if not messages:
        return 0
    reach_point(POPULATOR_AFTER_COMMIT)
    try:
        publish(messages)
    except BrokerUnavailable as error:
        logger.warning("The broker did not take %d messages: %s", len(messages), error)
        tickets = [ticket for message in messages for ticket in message.tickets]
        # Their tickets are void from here on, so a message that arrived all the same is stale.
        return len(lifecycle.unqueue(tickets))
    reach_point(POPULATOR_AFTER_PUBLISH)
    return 0


def _queue(lane: str, now: datetime, limit: int, engine: Engine) -> tuple[list[Queued], bool]:
    """Queue due jobs of a lane; tell whether some that are due were left, of merchants in turn."""
    if not lifecycle.is_short(lane=lane, now=now, room=limit):
        return lifecycle.queue_due(lane=lane, now=now, limit=limit, lease=engine.queue_lease), False
    shares = lifecycle.queue_shares(
        lane=lane, now=now, limit=limit, lease=engine.queue_lease, aging=engine.aging
    )
    return shares, bool(shares)


def _queue_within_flows(
    lane: str,
    now: datetime,
    limit: int,
    engine: Engine,
    declared: Sequence[FlowRule],
    released: Collection[UUID],
) -> tuple[list[Queued], bool]:
    """Do the same under flow rules. What was sent to a line has left its place to others."""
    flowed = lifecycle.queue_within_flows(
        lane=lane,
        now=now,
        limit=limit,
        lease=engine.queue_lease,
        aging=engine.aging,
        declared=declared,
        released=released,
    )
    left = flowed.parked > 0 or (flowed.short and bool(flowed.queued))
    return flowed.queued, left


def _room(
    lanes: Mapping[str, LiveLane], engine: Engine, pace: Pace, now: datetime
) -> dict[str, int]:
    """Return how many more jobs each live lane may have queued."""
    room = {}
    for lane, live in lanes.items():
        if lane in LANES:
            pace.seen(lane, queued=live.queued, now=now)
            slowest = max(live.run_times.values(), default=0.0)
            depth = pace.depth(lane, capacity=live.capacity, run_time=slowest)
            room[lane] = min(depth, engine.queued_limit) - live.queued
    return room
