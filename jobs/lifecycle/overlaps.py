"""Jobs that fall due while a sibling is still going: which may run, which wait, which are skipped.

The only way through a shut gate, and one at a time: under the lock each decision sees the ones
before it, so two siblings never pass together, however many populators there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from jobs.engine import OVERLAP_LOCK
from jobs.lifecycle.announcing import announce
from jobs.overlap import Decision, decide
from jobs.rows import Row, due_row, moved_row
from jobs.signals import SkippedOccurrence, tell_skipped
from jobs.statements import overlapping
from jobs.states import JobStatus
from tenants.statement import execute


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How many jobs were let through, made to wait, skipped; and siblings cancelled for them."""

    opened: int = 0
    held: int = 0
    skipped: int = 0
    cancelled: int = 0  # running ones that were asked to stop included
    # The limit was reached: there is more to decide now.
    more: bool = False


def settle_overlaps(*, now: datetime, limit: int) -> Settled:
    """Decide on at most `limit` jobs that are due, and let through those whose wait is over.

    One indexed probe when there is nothing to decide. Listeners of `occurrences_skipped` run
    inside the transaction: what they raise undoes all of it and comes out here.
    """
    (anything,) = execute(overlapping.ANYTHING, now=now)[0]
    if not anything:
        return Settled()
    with transaction.atomic():
        execute(overlapping.LOCK, lock=OVERLAP_LOCK)
        opened = _release(now)
        due = [due_row(row) for row in execute(overlapping.FIND_SHUT, now=now, limit=limit)]
        decisions = decide(due)
        skipped = _settle(decisions, now)
        cancelled = execute(overlapping.MAKE_WAY, now=now)
        announce("cancel", [moved_row(row) for row in cancelled])
        gone = [row for row in cancelled if row[4] == JobStatus.CANCELLED]
        if gone:
            opened += _release(now)
        tell_skipped([*skipped, *(_skipped(row) for row in gone if row[8] == 0)])
    return Settled(
        opened=opened + sum(d.gate == "" and not d.skip for d in decisions),
        held=sum(d.gate != "" for d in decisions),
        skipped=len(skipped),
        cancelled=len(cancelled),
        more=len(due) == limit,
    )


def _release(now: datetime) -> int:
    return len(execute(overlapping.RELEASE, now=now))


def _settle(decisions: Sequence[Decision], now: datetime) -> list[SkippedOccurrence]:
    if not decisions:
        return []
    found = execute(
        overlapping.SETTLE,
        now=now,
        ids=[decision.job_id for decision in decisions],
        gates=[decision.gate for decision in decisions],
        skips=[decision.skip for decision in decisions],
        reasons=[decision.reason for decision in decisions],
    )
    ended = [row for row in found if row[4] == JobStatus.SKIPPED]
    announce("skip", [moved_row(row) for row in ended])
    return [_skipped(row) for row in ended]


def _skipped(row: Row) -> SkippedOccurrence:
    job_id, merchant_id, _, _, _, template_id, occurrence_at, reason, *_ = row
    return SkippedOccurrence(
        job_id=job_id,
        merchant_id=merchant_id,
        template_id=template_id,
        occurrence_at=occurrence_at,
        cause="overlap",
        reason=reason,
    )
