"""The upkeep of webhooks: endpoints that fail for days are disabled, what is old is forgotten."""

from dataclasses import dataclass
from datetime import datetime

from alerts.webhooks import upkeep_statements as statements
from alerts.webhooks.crowding import let_go
from alerts.webhooks.health import disable_failing
from alerts.webhooks.timing import KEPT
from jobs.partitions import first_id
from tenants.statement import execute

# One upkeep forgets at most STEPS times LIMIT of each, a short statement each time.
LIMIT = 5_000
STEPS = 200


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What one upkeep did."""

    disabled: int
    deliveries: int
    events: int
    endpoints: int
    let_go: int


def keep_up(now: datetime) -> Kept:
    """Disable who fails; forget events, deliveries and deleted endpoints after their retention.

    Safe in any number.
    """
    before = first_id(now - KEPT)
    return Kept(
        disabled=disable_failing(now),
        deliveries=_forget(statements.FORGET_DELIVERIES, before),
        events=_forget(statements.FORGET_EVENTS, before),
        endpoints=len(execute(statements.FORGET_ENDPOINTS, before=now - KEPT)),
        let_go=len(let_go().hosts),
    )


def _forget(statement: str, before: object) -> int:
    forgotten = 0
    for _ in range(STEPS):
        gone = len(execute(statement, before=before, limit=LIMIT))
        forgotten += gone
        if gone < LIMIT:
            break
    return forgotten
