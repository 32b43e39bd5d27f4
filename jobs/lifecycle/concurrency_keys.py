"""Concurrency keys: whose turn it is among the jobs that may not all run at once.

Places are handed out here only, under one lock, so a limit holds with any number of populators, and
jobs of one key start in the order in which they fell due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from jobs.engine import KEY_LOCK
from jobs.statements import keying
from tenants.statement import execute

_Line = tuple[UUID, str]


@dataclass(frozen=True, kw_only=True)
class Granted:
    """How many jobs got a place; `more`: the limit was reached, there is more to look at now."""

    places: int = 0
    more: bool = False


def grant_places(*, now: datetime, limit: int) -> Granted:
    """Give the places that are free to those next in line; look at `limit` events of each sort.

    Two indexed probes when there is nothing to look at.
    """
    (anything,) = execute(keying.ANYTHING, now=now)[0]
    if not anything:
        return Granted()
    with transaction.atomic():
        execute(keying.LOCK, lock=KEY_LOCK)
        events = execute(keying.EVENTS, now=now, limit=limit)
        lines: dict[_Line, None] = {(merchant, key): None for _, merchant, key in events}
        granted = execute(
            keying.GRANT,
            merchants=[merchant for merchant, _ in lines],
            keys=[key for _, key in lines],
            now=now,
        )
        stuck = {(merchant, key) for merchant, key, _, moved in granted if not moved}
        _take_away([job_id for job_id, *line in events if tuple(line) not in stuck], now)
    return Granted(places=sum(row[2] for row in granted), more=len(events) >= limit)


def _take_away(events: Sequence[UUID], now: datetime) -> None:
    if events:
        execute(keying.FORGET_PLACES, ids=list(events))
        execute(keying.STAND_IN_LINE, ids=list(events), now=now)
