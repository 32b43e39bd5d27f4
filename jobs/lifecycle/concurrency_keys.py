"""Concurrency keys: whose turn it is among the jobs that may not all run at once.

Places are handed out here only, under one lock, so a limit holds with any number of populators, and
jobs of one key start in the order in which they fell due.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from jobs.engine import KEY_LOCK
from jobs.rows import Row
from jobs.statements import keying
from tenants.statement import execute

_Line = tuple[UUID, str]


@dataclass(frozen=True, kw_only=True)
class Granted:
    """How many jobs got a place; `more`: there is more to look at now."""

    places: int = 0
    more: bool = False


def grant_places(*, now: datetime, limit: int) -> Granted:
    """Give the places that are free to those next in line; look at `limit` events of each sort.

    Four indexed probes when there is nothing to look at.
    """
    (anything,) = execute(keying.ANYTHING, now=now)[0]
    if not anything:
        return Granted()
    with transaction.atomic():
        execute(keying.LOCK, lock=KEY_LOCK)
        events = execute(keying.EVENTS, now=now, limit=limit)
        lines: dict[_Line, None] = {(merchant, key): None for _, merchant, key, _ in events}
        granted = execute(
            keying.GRANT,
            merchants=[merchant for merchant, _ in lines],
            keys=[key for _, key in lines],
            now=now,
        )
        stay = {(merchant, key) for merchant, key, _, moved, _ in granted if not moved}
        _take_away([event for event in events if event[1:3] not in stay], now)
    further = any(free and not moved for _, _, _, moved, free in granted)
    return Granted(places=sum(row[2] for row in granted), more=further or len(events) >= limit)


def _take_away(events: Sequence[Row], now: datetime) -> None:
    ids: defaultdict[str, list[UUID]] = defaultdict(list)
    for job_id, _, _, sort in events:
        ids[sort].append(job_id)
    if ids["ended"]:
        execute(keying.FORGET_ENDED, ids=ids["ended"])
    if ids["told"]:
        execute(keying.FORGET_TOLD, ids=ids["told"])
    if ids["due"]:
        execute(keying.STAND_IN_LINE, ids=ids["due"], now=now)
