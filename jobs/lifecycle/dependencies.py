"""Jobs that wait for other jobs' ends: which may run, which are skipped, cancelled or failed.

A step locks parents that ended, then children, then decides; see jobs.statements.depending for why
in that order. Any number of populators may do it at once.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DataError, transaction

from jobs.dependency_rows import Judgement, Ready, ready_rows, unstorable
from jobs.lifecycle.announcing import announce
from jobs.rows import Moved, dumped, moved_row
from jobs.statements import depending
from jobs.states import JobStatus
from tenants.statement import execute

logger = logging.getLogger(__name__)

# Children whose condition or payload is looked at in one step: that is Python's work, row by row.
MOST_JUDGED = 100
# What one job may look at of its parents: so many bytes of JSON, of so many parents.
MOST_RESULTS = 64 * 1024
MOST_PARENTS_SEEN = 100

Judge = Callable[[Ready], Judgement]


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """How many dependencies were settled, and what became of the jobs that waited for them."""

    settled: int = 0
    opened: int = 0
    ended: int = 0  # skipped, cancelled or failed
    # There is more to settle now.
    more: bool = False


def settle_dependencies(*, now: datetime, limit: int, judge: Judge) -> Resolved:
    """Settle at most `limit` dependencies on parents that ended.

    One indexed probe when there is nothing to settle. `judge` decides on each job that draws on its
    parents' results; it must not raise.
    """
    (anything,) = execute(depending.ANYTHING)[0]
    if not anything:
        return Resolved()
    with transaction.atomic():
        parents = [row[0] for row in execute(depending.FIND_ENDED, limit=limit)]
        share = max(1, limit // max(1, len(parents)))
        found = execute(depending.FIND_OPEN, parents=parents, share=share)
        locked, judged = _lock({row[1] for row in found})
        settled = execute(depending.SETTLE, ids=[row[0] for row in found], locked=locked)
        given_up = _moved("skip", execute(depending.GIVE_UP, locked=locked, now=now))
        opened = _moved("unblock", execute(depending.OPEN, locked=locked, now=now))
        moved = _judge(judged, now, judge)
        execute(depending.LET_GO, parents=parents)
    ended = len(given_up) + sum(job.status != JobStatus.SCHEDULED for job in moved)
    most = max(Counter(row[2] for row in found).values(), default=0)
    full = len(parents) == limit or most == share or len(judged) == MOST_JUDGED
    return Resolved(
        settled=len(settled),
        opened=len(opened) + len(moved) + len(given_up) - ended,
        ended=ended,
        # What nobody could settle is held by somebody: no reason to look again at once.
        more=bool(settled) and (full or ended > 0),
    )


def find_drawing(job_ids: Sequence[UUID]) -> list[UUID]:
    """Return the ended jobs among these whose parents' results were not put in, oldest first."""
    return [row[0] for row in execute(depending.FIND_DRAWING, ids=list(job_ids))]


def find_unfilled(job_ids: Sequence[UUID]) -> list[Ready]:
    """Return the first MOST_JUDGED ended jobs among these whose parents' results were not put in."""
    found = execute(
        depending.FIND_UNFILLED,
        ids=list(job_ids)[:MOST_JUDGED],
        most_bytes=MOST_RESULTS,
        most_parents=MOST_PARENTS_SEEN,
    )
    return ready_rows(found)


def _lock(children: set[UUID]) -> tuple[list[UUID], list[UUID]]:
    """Lock the children that are still blocked; return those to settle, and which are judged.

    These are drawn by lot: of few merchants' thousands, another one's is among them soon.
    """
    rows = execute(depending.LOCK_CHILDREN, ids=list(children))
    drawing = [job_id for job_id, draws_on_parents in rows if draws_on_parents]
    judged = random.sample(drawing, min(len(drawing), MOST_JUDGED))
    plain = [job_id for job_id, draws_on_parents in rows if not draws_on_parents]
    return plain + judged, judged


def _judge(children: Sequence[UUID], now: datetime, judge: Judge) -> list[Moved]:
    if not children:
        return []
    found = execute(
        depending.FIND_READY,
        ids=list(children),
        most_bytes=MOST_RESULTS,
        most_parents=MOST_PARENTS_SEEN,
    )
    judgements = [judge(ready) for ready in ready_rows(found)]
    if not judgements:
        return []
    try:
        with transaction.atomic():
            return _write(judgements, now)
    except DataError as error:
        return _write_singly(judgements, now, error)


def _write_singly(judgements: Sequence[Judgement], now: datetime, error: DataError) -> list[Moved]:
    """One judgement that PostgreSQL cannot store must not hold up all merchants' jobs for ever."""
    if len(judgements) == 1:
        [one] = judgements
        logger.error("What job %s comes to cannot be stored (%s)", one.job_id, type(error).__name__)
        return _write([unstorable(one)], now)
    moved: list[Moved] = []
    for one in judgements:
        try:
            with transaction.atomic():
                moved += _write([one], now)
        except DataError as fault:
            moved += _write_singly([one], now, fault)
    return moved


def _write(judgements: Sequence[Judgement], now: datetime) -> list[Moved]:
    rows = execute(
        depending.JUDGE,
        now=now,
        ids=[one.job_id for one in judgements],
        statuses=[one.status for one in judgements],
        payloads=[dumped(one.payload) for one in judgements],
        lanes=[one.lane for one in judgements],
        handlers=[one.handler for one in judgements],
        reasons=[one.reason for one in judgements],
        codes=[one.code for one in judgements],
        fingerprints=[one.fingerprint for one in judgements],
    )
    return _moved("unblock", rows)


def _moved(verb: str, rows: Sequence[tuple[object, ...]]) -> list[Moved]:
    return announce(verb, [moved_row(row) for row in rows])
