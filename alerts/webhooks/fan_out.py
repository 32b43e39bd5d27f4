"""The fan-out: hands new events on to the endpoints that subscribe to them."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from alerts.webhooks import statements
from alerts.webhooks.deliveries import Wanted, deliver
from jobs import publishing
from tenants.statement import execute

# Of whoever fans out. (…001 to …005 are the engine's and templates'.)
FAN_OUT_LOCK = 7_407_310_021
LIMIT = 500


@dataclass(frozen=True, kw_only=True)
class FannedOut:
    """How many events one step handed on, and in how many deliveries; whether there are more."""

    events: int = 0
    deliveries: int = 0
    more: bool = False


def fan_out(now: datetime, limit: int = LIMIT) -> FannedOut:
    """Turn at most `limit` events into deliveries, oldest first, all or none.

    Any number may run: one works, the others return at once. A crash leaves the events as they were.
    """
    with transaction.atomic():
        [(mine,)] = execute(statements.LOCK, lock=FAN_OUT_LOCK)
        if not mine:
            return FannedOut()
        rows = execute(statements.FAN_OUT, limit=limit)
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
    events = len({row[0] for row in rows})
    return FannedOut(events=events, deliveries=len(wanted), more=events == limit)
