"""The watcher: finds what nobody looks after any more and sets it going again.

Set-based and safe in any number: every change is guarded by status and ticket, so two watchers, or a
watcher and the worker that it took for dead, never both win.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError

from jobs import braking, lifecycle, liveness
from jobs.engine import Engine
from jobs.fault_points import WATCHER_BETWEEN_STATEMENTS, reach
from jobs.handlers.registry import LANES
from jobs.models import IdempotencyRecord, Worker, WorkerState
from jobs.outcomes import Ending
from jobs.partitions import ensure_partitions
from jobs.stranding import endings

logger = logging.getLogger(__name__)

IDEMPOTENCY_KEPT = timedelta(hours=24)
WORKERS_KEPT = timedelta(days=7)
BREAKERS_KEPT = timedelta(days=1)
CANARIES_KEPT = timedelta(days=1)
# One tick takes back at most so many times `step_limit` messages, and attempts: all of a few dozen
# workers that died together.
PAGES = 20
# Blocked jobs that one tick looks at; it goes round.
ORPHANS_LOOKED_AT = 500
# One upkeep forgets at most PRUNE_STEPS times PRUNE_LIMIT of each, a short statement each time.
PRUNE_LIMIT = 10_000
PRUNE_STEPS = 500


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What one step found and set right."""

    requeued: int
    lost_workers: int
    rescued: int
    expired: int
    abandoned: int
    orphans: int  # blocked jobs whose parents were gone
    braked: bool  # leases that ran out together were held
    canaries: int  # sent


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the upkeep did."""

    partitions: int
    idempotency_records: int
    workers: int
    unique_keys: int
    breakers: int
    canaries: int  # of lanes that nobody serves any more
    dead_letters: int


def watch(now: datetime, engine: Engine) -> Watched:
    """Reschedule lost messages, end lost and overdue attempts, fail what missed its deadline.

    And what waited too long for a host that does not answer. When most leases ran out together they
    are judged as of the tick before (jobs.brake): what is silent gets one more lease.
    """
    tick = braking.tick(now=now, engine=engine)
    liveness.ticked(now)
    requeued = _unless_it_fails(_requeue, tick.judged_at, engine)
    lost = liveness.declare_lost(now=tick.judged_at, lease=engine.worker_lease)
    reach(WATCHER_BETWEEN_STATEMENTS)
    rescued = _unless_it_fails(_rescue, tick.judged_at, engine)
    if requeued or lost or rescued:
        logger.warning(
            "Watcher: %d messages lost, %d workers lost (%s), %d attempts ended",
            requeued,
            len(lost),
            ", ".join(worker.name for worker in lost) or "none",
            rescued,
        )
    return Watched(
        requeued=requeued,
        lost_workers=len(lost),
        rescued=rescued,
        expired=_unless_it_fails(_expire, now, engine),
        abandoned=_unless_it_fails(_abandon, now, engine),
        braked=tick.braked,
        orphans=_unless_it_fails(_rescue_orphans, now, engine),
        canaries=_unless_it_fails(_send_canaries, now, engine),
    )


def _requeue(judged_at: datetime, engine: Engine) -> int:
    found = 0
    for _ in range(PAGES):
        page = lifecycle.requeue_lost_messages(before=judged_at, limit=engine.step_limit)
        found += len(page)
        if len(page) < engine.step_limit:
            break
    return found


def _rescue(judged_at: datetime, engine: Engine) -> int:
    rescued = 0
    for _ in range(PAGES):
        stranded = lifecycle.find_stranded(now=judged_at, limit=engine.step_limit)
        reach(WATCHER_BETWEEN_STATEMENTS)
        ended = _end(endings(stranded, engine))
        rescued += ended
        if len(stranded) < engine.step_limit or not ended:
            break
    return rescued


def _end(decided: Sequence[Ending]) -> int:
    """End attempts, and tell how many; one that cannot be ended must not hold up all others."""
    if not decided:
        return 0
    try:
        return len(lifecycle.finish(decided))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(decided) == 1:
            logger.exception("Watcher: job %s cannot be taken back", decided[0].job_id)
            return 0
        logger.warning("Watcher: %d attempts cannot be ended together", len(decided))
        return sum(_end([one]) for one in decided)


def _expire(now: datetime, engine: Engine) -> int:
    return len(lifecycle.expire(now=now, limit=engine.step_limit))


def _abandon(now: datetime, engine: Engine) -> int:
    patience = engine.breaker_patience
    return len(lifecycle.abandon(now=now, patience=patience, limit=engine.step_limit))


def _rescue_orphans(now: datetime, _engine: Engine) -> int:
    orphans = lifecycle.rescue_orphans(now=now, limit=ORPHANS_LOOKED_AT)
    if orphans:
        logger.warning("Watcher: %d blocked jobs had lost their parents", len(orphans))
    return len(orphans)


def _send_canaries(now: datetime, engine: Engine) -> int:
    live = liveness.live_lanes(now=now, lease=engine.worker_lease)
    lanes = [lane for lane in LANES if lane in live]
    return len(lifecycle.send_canaries(lanes=lanes, now=now, every=engine.canary))


def _unless_it_fails(step: Callable[[datetime, Engine], int], now: datetime, engine: Engine) -> int:
    """Take a step; one that fails for a fault of its own must not cost the ticks what follows it."""
    try:
        return step(now, engine)
    except (OperationalError, InterfaceError):
        raise  # the database is away: for all that follows as well
    except Exception:
        logger.exception("Watcher: %s failed; the next tick tries again", step.__name__)
        return 0


def keep_up(now: datetime) -> Kept:
    """Make partitions ahead; forget what is old: keys, workers, breakers, canaries, resolved letters."""
    partitions = ensure_partitions(now)
    lifecycle.close_canary_letters(before=now - CANARIES_KEPT, now=now)
    keys = _forget_keys(before=now - IDEMPOTENCY_KEPT)
    workers, _ = (
        Worker.objects.exclude(state=WorkerState.ALIVE)
        .filter(heartbeat_at__lt=now - WORKERS_KEPT)
        .delete()
    )
    return Kept(
        partitions=len(partitions),
        idempotency_records=keys,
        workers=workers,
        unique_keys=_forget_unique_keys(now),
        breakers=_forget_breakers(before=now - BREAKERS_KEPT),
        canaries=lifecycle.withdraw_canaries(before=now - CANARIES_KEPT),
        dead_letters=_forget_letters(now),
    )


def _forget_unique_keys(now: datetime) -> int:
    forgotten = 0
    for _ in range(PRUNE_STEPS):
        looked = lifecycle.forget_keys(now=now, limit=PRUNE_LIMIT)
        forgotten += looked.forgotten
        if looked.seen < PRUNE_LIMIT:
            break
    return forgotten


def _forget_letters(now: datetime) -> int:
    forgotten = 0
    for _ in range(PRUNE_STEPS):
        letters = lifecycle.forget_letters(now=now, limit=PRUNE_LIMIT)
        items = lifecycle.forget_redrive_items(now=now, limit=PRUNE_LIMIT)
        forgotten += letters
        if max(letters, items) < PRUNE_LIMIT:
            break
    return forgotten


def _forget_breakers(*, before: datetime) -> int:
    forgotten = 0
    for _ in range(PRUNE_STEPS):
        removed = lifecycle.forget_breakers(before=before, limit=PRUNE_LIMIT)
        forgotten += removed
        if removed < PRUNE_LIMIT:
            break
    return forgotten


def _forget_keys(*, before: datetime) -> int:
    old_keys = IdempotencyRecord.objects.filter(created_at__lt=before)
    forgotten = 0
    for _ in range(PRUNE_STEPS):
        stale_ids = list(old_keys.values_list("id", flat=True)[:PRUNE_LIMIT])
        removed, _ = IdempotencyRecord.objects.filter(id__in=stale_ids).delete()
        forgotten += removed
        if len(stale_ids) < PRUNE_LIMIT:
            break
    return forgotten
