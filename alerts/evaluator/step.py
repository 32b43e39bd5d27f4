"""One tick."""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from alerts.alerting import Alerting
from alerts.evaluator import finding, keeping, noticing
from alerts.sending.notices import tell_recovered
from alerts.sending.outbox import settle
from alerts.statements import reading
from tenants.statement import execute

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What one tick found and did. `busy`: another one was at it, and this one did nothing."""

    busy: bool = False
    opened: int = 0
    seen_again: int = 0
    recovered: int = 0
    messages: int = 0
    settled: int = 0


def evaluate(now: datetime, alerting: Alerting) -> Evaluated:
    """Look once. A constant number of statements; at most LETTERS new dead letters are read."""
    with transaction.atomic():
        if not execute(reading.TRY_LOCK)[0][0]:
            return Evaluated(busy=True)
        settled = settle(now)
        looked = finding.look(now, horizon=alerting.horizon)
        kept = keeping.record(looked, now)
        recovered = keeping.recover(looked, kept, now)
        messages = tell_recovered(recovered, alerting=alerting, now=now)
        messages += noticing.tell_due(alerting=alerting, now=now)
        looked.move_cursor()
        keeping.forget(now)
    if kept.opened or recovered:
        logger.info(
            "Alerts: %d incidents opened, %d are over, %d messages",
            len(kept.opened),
            len(recovered),
            messages,
        )
    return Evaluated(
        opened=len(kept.opened),
        seen_again=len(kept.seen) - len(kept.opened),
        recovered=len(recovered),
        messages=messages,
        settled=settled,
    )
