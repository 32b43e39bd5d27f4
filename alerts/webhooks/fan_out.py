"""The fan-out: hands new events on to the endpoints that subscribe to them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from alerts.webhooks import statements
from alerts.webhooks.deliveries import Wanted, deliver
from jobs import publishing
from tenants.statement import Row, execute

# Of whoever fans out. (…001 to …005 are the engine's and templates'.)
FAN_OUT_LOCK = 7_407_310_021
LIMIT = 500


_NOBODY = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class FannedOut:
    """How many events one step handed on, and in how many deliveries; whether there are more, and behind which
    merchant the next step begins."""

    events: int = 0
    deliveries: int = 0
    more: bool = False
    after: UUID = _NOBODY


def fan_out(now: datetime, limit: int = LIMIT, after: UUID = _NOBODY) -> FannedOut:
    """Turn at most `limit` events into deliveries, all or none; a merchant's in their order.

    Merchants take turns, at most `limit` of them in a step, those behind `after`. Any number may run: one
    works, the others return at once. A crash leaves the events as they were.
    """
    with transaction.atomic():
        [(mine,)] = execute(statements.LOCK, lock=FAN_OUT_LOCK)
        if not mine:
            return FannedOut()
        rows = execute(statements.FAN_OUT, limit=limit, after=after)
        wanted = [
            Wanted(
                event_id=row[0],
                merchant_id=row[1],
                type=row[2],
                subject=row[3],
                body=row[4],
                endpoint_id=row[5],
                host=row[6],
            )
            for row in rows
            if row[5] is not None
        ]
        if wanted:
            deliver(wanted, now=now, again=False)
            transaction.on_commit(publishing.wake)
    return _told(rows, len(wanted), limit, after)


def _told(rows: Sequence[Row], deliveries: int, limit: int, after: UUID) -> FannedOut:
    taken = Counter({row[0]: row[1] for row in rows}.values())
    shares = {row[1]: row[7] for row in rows}
    events = sum(taken.values())
    further = (
        len(taken) == limit
    )  # as many merchants as a step walks: there may be others behind them
    left = any(number >= shares[merchant] for merchant, number in taken.items())
    return FannedOut(
        events=events,
        deliveries=deliveries,
        more=events == limit or left or after != _NOBODY,
        after=max(taken) if further else _NOBODY,
    )
