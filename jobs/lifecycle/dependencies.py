"""Jobs that wait for other jobs' ends: which may run, which are skipped, cancelled or failed.

A step locks parents that ended, then children, then decides; see jobs.statements.depending for why
in that order. Any number of populators may do it at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from jobs.dependency_rows import Judgement, Ready, ready_rows
from jobs.lifecycle.announcing import announce
from jobs.rows import Moved, dumped, moved_row
from jobs.statements import depending
from jobs.states import JobStatus
from tenants.statement import execute

# Children whose condition or payload is looked at in one step: that is Python's work, row by row.
MOST_JUDGED = 100
# What one job may look at of its parents: results of so many bytes of JSON each, of so many parents.
MOST_RESULT = 64 * 1024
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
        found = execute(depending.FIND_OPEN, parents=parents, limit=limit)
        locked, judged = _lock({row[1] for row in found})
        settled = execute(depending.SETTLE, ids=[row[0] for row in found], locked=locked)
        given_up = _moved("skip", execute(depending.GIVE_UP, locked=locked, now=now))
        opened = _moved("unblock", execute(depending.OPEN, locked=locked, now=now))
        moved = _judge(judged, now, judge)
        execute(depending.LET_GO, parents=parents)
    ended = len(given_up) + sum(job.status != JobStatus.SCHEDULED for job in moved)
    full = limit in {len(parents), len(found)} or len(judged) == MOST_JUDGED
    return Resolved(
        settled=len(settled),
        opened=len(opened) + len(moved) + len(given_up) - ended,
        ended=ended,
        # What nobody could settle is held by somebody: no reason to look again at once.
        more=bool(settled) and (full or ended > 0),
    )


def find_unfilled(job_ids: Sequence[UUID]) -> list[Ready]:
    """Return the first MOST_JUDGED ended jobs among these whose parents' results were not put in."""
    found = execute(
        depending.FIND_UNFILLED,
        ids=list(job_ids)[:MOST_JUDGED],
        most_bytes=MOST_RESULT,
        most_parents=MOST_PARENTS_SEEN,
    )
    return ready_rows(found)


def _lock(children: set[UUID]) -> tuple[list[UUID], list[UUID]]:
    """Lock the children that are still blocked; return those to settle, and which are judged."""
    rows = execute(depending.LOCK_CHILDREN, ids=list(children))
    judged = [job_id for job_id, draws_on_parents in rows if draws_on_parents][:MOST_JUDGED]
    plain = [job_id for job_id, draws_on_parents in rows if not draws_on_parents]
    return plain + judged, judged


def _judge(children: Sequence[UUID], now: datetime, judge: Judge) -> list[Moved]:
    if not children:
        return []
    found = execute(
        depending.FIND_READY,
        ids=list(children),
        most_bytes=MOST_RESULT,
        most_parents=MOST_PARENTS_SEEN,
    )
    judgements = [judge(ready) for ready in ready_rows(found)]
    if not judgements:
        return []
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
