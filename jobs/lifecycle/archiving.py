"""Moving finished jobs to the archive, and back. Their status stays what it is."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction

from jobs.statements import archiving
from tenants.statement import execute


@dataclass(frozen=True, kw_only=True)
class Place:
    """How far a walk over finished jobs has come: the last one that it looked at."""

    finalized_at: datetime
    job_id: UUID


BEGINNING = Place(finalized_at=datetime(1970, 1, 1, tzinfo=UTC), job_id=UUID(int=0))


@dataclass(frozen=True, kw_only=True)
class Walked:
    """What one batch of a walk came to; `place` is None when there is nothing behind it."""

    moved: int
    place: Place | None


def archive(
    *,
    before: datetime,
    now: datetime,
    after: Place,
    limit: int,
    make_room: Callable[[list[datetime]], None],
) -> Walked:
    """Move jobs that ended before `before` to the archive, the earliest first, `limit` at most.

    Jobs with an open dead letter, with children that have not ended, with a unique key that is still
    held, and those that have yet to tell others of their end stay; what somebody else has locked is
    passed over. `make_room` is given the moments of their ends, and called in the transaction that
    moves the rows, before it does.
    """
    with transaction.atomic():
        found = execute(
            archiving.FIND_ENDED,
            before=before,
            after_at=after.finalized_at,
            after_id=after.job_id,
            limit=limit,
        )
        if not found:
            return Walked(moved=0, place=None)
        make_room([row[1] for row in found])
        moved = execute(archiving.ARCHIVE, ids=[row[0] for row in found], now=now)[0][0]
    job_id, finalized_at = found[-1]
    last = len(found) < limit
    return Walked(
        moved=moved, place=None if last else Place(finalized_at=finalized_at, job_id=job_id)
    )


def recall(job_ids: Collection[UUID], *, merchant_id: UUID) -> set[UUID]:
    """Bring a merchant's archived jobs back among those at work; return the ids of those that were.

    They are archived again in time if nothing happens to them.
    """
    if not job_ids:
        return set()
    found = execute(archiving.RECALL, ids=sorted(set(job_ids)), merchant=merchant_id)
    return {row[0] for row in found}
