"""Blocked jobs whose parents are gone: looked for by the watcher, decided by their own rule."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from jobs.lifecycle.announcing import announce
from jobs.rows import Moved, moved_row
from jobs.statements import depending, orphans
from tenants.statement import execute


def rescue_orphans(*, now: datetime, limit: int) -> list[Moved]:
    """Decide on the orphans among the next `limit` blocked jobs; return those that wait no longer.

    Each call goes on where the last one of any watcher ended, and begins anew behind the last blocked
    job. A child that needed a parent only to be finished goes on; any other is skipped, with the
    reason on it. A parent that lost its mark is marked again, and its children settled as always.
    """
    [(seen, last, found)] = execute(orphans.LOOK_FOR_ORPHANS, limit=limit)
    if not seen:
        execute(orphans.GO_ON_BEHIND, after=None)
        return []
    rescued = _rescue(found, now) if found else []
    execute(orphans.GO_ON_BEHIND, after=last if seen == limit else None)
    return rescued


def _rescue(children: Sequence[UUID], now: datetime) -> list[Moved]:
    execute(orphans.AWAIT_AGAIN, children=list(children))
    with transaction.atomic():
        # What somebody else holds waits for the next round.
        locked = [row[0] for row in execute(depending.LOCK_CHILDREN, ids=list(children))]
        execute(orphans.DECIDE_WITHOUT_PARENT, locked=locked)
        skipped = execute(depending.GIVE_UP, locked=locked, now=now)
        skipped += execute(orphans.SKIP_ORPHANS, locked=locked, now=now)
        opened = execute(depending.OPEN, locked=locked, now=now)
    gave_up = announce("skip", [moved_row(row) for row in skipped])
    return gave_up + announce("unblock", [moved_row(row) for row in opened])
