"""The redriver: moves redrives on, at their rates, and stops those whose jobs fail again.

A step takes each unfinished redrive once, in a transaction of its own: a constant number of statements
a redrive, however many letters it has. Safe in any number: a redrive's row is locked while it is stepped,
and who finds it locked takes another one.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import OperationalError, transaction

from jobs import lifecycle, publishing, quota
from jobs.handlers.text import storable
from jobs.models import Redrive
from jobs.operations.judging import refilled
from jobs.operations.redrive_payloads import patched
from jobs.redrive_stages import (
    ItemState,
    RedriveState,
    Stage,
    allowance_after,
    room,
    stage_after,
)
from jobs.rows import Replacement
from tenants.audit import SYSTEM, record

logger = logging.getLogger(__name__)

# Of one redrive in one step.
MOST_SETTLED: Final = 5_000
MOST_REDRIVEN: Final = 1_000
MOST_REDRIVES: Final = 100
# Whose ends a step looks for; more of one redrive are not under way at once.
MOST_GOING: Final = 10_000
MOST_FILLED: Final = lifecycle.MOST_JUDGED
_ENDED = (ItemState.SUCCEEDED, ItemState.FAILED, ItemState.CANCELLED)
_UNFIT = (
    "The dead letter was resolved or its job restarted meanwhile, its unique key is held, or results of "
    "its parents are not there."
)


@dataclass(frozen=True, kw_only=True)
class Redriven:
    """What one step did, over all redrives."""

    redrives: int
    redriven: int
    ended: int
    stopped: int


def step(now: datetime) -> Redriven:
    """Note what ended, stop what fails again, and let the next ones go; each redrive once."""
    counts = [0, 0, 0, 0]
    for _ in range(MOST_REDRIVES):
        with transaction.atomic():
            redrive_id = lifecycle.take_redrive(now)
            if redrive_id is None:
                break
            done = _stepped(redrive_id, now)
        counts = [one + other for one, other in zip(counts, (1, *done), strict=True)]
    redrives, redriven, ended, stopped = counts
    return Redriven(redrives=redrives, redriven=redriven, ended=ended, stopped=stopped)


def _stepped(redrive_id: UUID, now: datetime) -> tuple[int, int, int]:
    """Move one on; when that fails all is undone, and it waits for the next step like the others."""
    try:
        with transaction.atomic():
            redrive = Redrive.objects.select_related("merchant").get(pk=redrive_id)
            return _move_on(redrive, now)
    except OperationalError:
        raise
    except Exception:
        logger.exception("Redrive %s could not be stepped", redrive_id)
        Redrive.objects.filter(pk=redrive_id).update(stepped_at=now)
        return 0, 0, 0


def _move_on(redrive: Redrive, now: datetime) -> tuple[int, int, int]:
    ended, stopped = _settle(redrive, now)
    elapsed = (now - redrive.stepped_at).total_seconds() if redrive.stepped_at else 0.0
    redrive.allowance = allowance_after(redrive.allowance, rate=redrive.rate, elapsed=elapsed)
    redrive.stepped_at = now
    redriven = 0
    # A suspended merchant's jobs would only wait, and all go at once when it comes back.
    if redrive.state == RedriveState.RUNNING and redrive.merchant.active:
        redrive.stage = stage_after(Stage(redrive.stage), redrive.tally)
        redriven = _let_go(redrive, now)
    if redrive.tally.over:
        _finish(redrive, now)
    redrive.save()
    return redriven, ended, stopped


def _settle(redrive: Redrive, now: datetime) -> tuple[int, int]:
    items = lifecycle.settle_items(redrive.pk, limit=MOST_SETTLED)
    for state in _ENDED:
        count = sum(item.state is state for item in items)
        setattr(redrive, state.value, getattr(redrive, state.value) + count)
    failed = [item for item in items if item.state is ItemState.FAILED]
    if not failed or redrive.state != RedriveState.RUNNING:
        return len(items), 0
    _stop(redrive, failed[0].job_id, now)
    return len(items), 1


def _stop(redrive: Redrive, job_id: UUID, now: datetime) -> None:
    error = lifecycle.new_error(job_id)
    told = f"{error[0]}: {error[1]}" if error else "its dead letter was resolved already"
    redrive.state = RedriveState.STOPPED
    redrive.stopped_at, redrive.stopped_by = now, SYSTEM.shown
    redrive.stop_reason = storable(f"Job {job_id} failed again: {told}", 500)
    _record(redrive, "stop", reason=redrive.stop_reason)
    logger.warning("Redrive %s stopped: job %s failed again", redrive.pk, job_id)


def _let_go(redrive: Redrive, now: datetime) -> int:
    tally = redrive.tally
    opened = min(room(Stage(redrive.stage), tally), MOST_GOING - tally.going)
    most = min(opened, int(redrive.allowance), MOST_REDRIVEN)
    items = _fitting(redrive, _turns(redrive, most), now) if most > 0 else []
    if not items:
        return 0
    still_open = [item for item in items if not item.resolution]
    job_ids = [item.job_id for item in still_open]
    replacements, unfit = _payloads(redrive, job_ids)
    fit = [job_id for job_id in job_ids if job_id not in unfit]
    moved = lifecycle.restart(
        job_ids=fit,
        now=now,
        by=redrive.created_by,
        replacements=replacements,
        letters=[item.letter_id for item in still_open],
    )
    restarted = {job.job_id for job in moved}
    marks = [_mark(item, restarted, unfit) for item in items]
    lifecycle.mark_items(marks)
    redrive.redriven += len(restarted)
    redrive.left_out += len(marks) - len(restarted)
    redrive.allowance -= len(restarted)
    transaction.on_commit(publishing.wake)
    return len(restarted)


def _turns(redrive: Redrive, most: int) -> list[lifecycle.Next]:
    """Return the next ones; fewer when too many of them draw on their parents' results."""
    items = lifecycle.next_items(redrive.pk, limit=most)
    # Their payloads are filled in here, with results that may be large.
    drawing = set(lifecycle.find_drawing([item.job_id for item in items]))
    places = [place for place, item in enumerate(items) if item.job_id in drawing]
    return items[: places[MOST_FILLED]] if len(places) > MOST_FILLED else items


def _fitting(redrive: Redrive, items: list[lifecycle.Next], now: datetime) -> list[lifecycle.Next]:
    """Return the first ones, as many as the merchant's quota has room for; the others wait."""
    places = [place for place, item in enumerate(items) if not item.resolution]
    admitted = quota.admit_some(redrive.merchant, adding=len(places), now=now)
    return items if admitted == len(places) else items[: places[admitted]]


def _payloads(
    redrive: Redrive, job_ids: Sequence[UUID]
) -> tuple[Mapping[UUID, Replacement], Mapping[UUID, str]]:
    """Return the payloads that replace stored ones, and why others cannot run."""
    if redrive.patch is None:
        # Only those: it looks at no more ids than it may fill in at once.
        return refilled(lifecycle.find_drawing(job_ids)), {}
    return patched(job_ids, redrive.patch)


def _mark(
    item: lifecycle.Next, restarted: set[UUID], unfit: Mapping[UUID, str]
) -> lifecycle.Marked:
    if item.job_id in restarted and not item.resolution:
        return lifecycle.Marked(item.item_id, ItemState.GOING)
    note = f"The dead letter was {item.resolution} meanwhile." if item.resolution else _UNFIT
    return lifecycle.Marked(item.item_id, ItemState.LEFT_OUT, unfit.get(item.job_id, note))


def _finish(redrive: Redrive, now: datetime) -> None:
    redrive.state, redrive.finished_at = RedriveState.DONE, now
    _record(redrive, "finish", succeeded=redrive.succeeded, failed=redrive.failed)


def _record(redrive: Redrive, verb: str, **told: object) -> None:
    record(
        by=SYSTEM,
        verb=verb,
        object_type="redrive",
        object_id=redrive.pk,
        merchant_id=redrive.merchant_id,
        after=told,
    )
