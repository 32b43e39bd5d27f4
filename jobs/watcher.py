"""The watcher: finds what nobody looks after any more and sets it going again.

Set-based and safe in any number: every change is guarded by status and ticket, so two watchers, or a
watcher and the worker that it took for dead, never both win.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs import lifecycle, liveness
from jobs.engine import Engine
from jobs.models import IdempotencyRecord, Worker, WorkerState
from jobs.outcomes import Ending, Failure, Outcome, Result
from jobs.partitions import ensure_partitions
from jobs.rows import Stranded
from jobs.verdict import WORKER_LOST, verdict

logger = logging.getLogger(__name__)

_OVERDUE = Failure(
    code="timeout", message="The attempt overran its timeout and its worker did not stop it."
)
IDEMPOTENCY_KEPT = timedelta(hours=24)
WORKERS_KEPT = timedelta(days=7)
BREAKERS_KEPT = timedelta(days=1)
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


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the upkeep did."""

    partitions: int
    idempotency_records: int
    workers: int
    unique_keys: int
    breakers: int
    dead_letters: int


def watch(now: datetime, engine: Engine) -> Watched:
    """Reschedule lost messages, end lost and overdue attempts, fail what missed its deadline.

    And what waited too long for a host that does not answer.
    """
    liveness.ticked(now)
    requeued = lifecycle.requeue_lost_messages(before=now, limit=engine.step_limit)
    lost = liveness.declare_lost(now=now, lease=engine.worker_lease)
    stranded = lifecycle.find_stranded(now=now, limit=engine.step_limit)
    rescued = lifecycle.finish([_ending(found, engine) for found in stranded]) if stranded else []
    expired = lifecycle.expire(now=now, limit=engine.step_limit)
    abandoned = lifecycle.abandon(
        now=now, patience=engine.breaker_patience, limit=engine.step_limit
    )
    if requeued or lost or rescued:
        logger.warning(
            "Watcher: %d messages lost, %d workers lost (%s), %d attempts ended",
            len(requeued),
            len(lost),
            ", ".join(worker.name for worker in lost) or "none",
            len(rescued),
        )
    return Watched(
        requeued=len(requeued),
        lost_workers=len(lost),
        rescued=len(rescued),
        expired=len(expired),
        abandoned=len(abandoned),
    )


def keep_up(now: datetime) -> Kept:
    """Make partitions ahead; forget what is old: idempotency keys, workers, unique keys, breakers,
    resolved dead letters.
    """
    partitions = ensure_partitions(now)
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


def _ending(found: Stranded, engine: Engine) -> Ending:
    outcome = (
        Outcome(result=Result.LOST, failure=WORKER_LOST)
        if found.lost
        else Outcome(result=Result.TIMED_OUT, failure=_OVERDUE)
    )
    return verdict(found.attempt, outcome, poison_losses=engine.poison_losses)
