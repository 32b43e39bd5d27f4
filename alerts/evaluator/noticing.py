"""Who is told of what in this tick: the notices that are due."""

import json
from datetime import datetime, timedelta
from typing import Any

from alerts.alerting import Alerting
from alerts.escalation import Notice, due_notice, read_steps
from alerts.evaluator.quiet import Quiet
from alerts.models import Incident
from alerts.sending.notices import send, with_rules
from alerts.statements import incidents as statements
from tenants.statement import execute

NOTICES = 2_000  # incidents that one tick tells of
# Nobody of a suspended merchant is told; looked at again from time to time, in case it comes back.
WHILE_SUSPENDED = timedelta(hours=1)


def tell_due(*, alerting: Alerting, now: datetime) -> int:
    """Take the next step of each policy whose time has come; return the number of messages."""
    ids = [row[0] for row in execute(statements.DUE, now=now, limit=NOTICES)]
    if not ids:
        return 0
    due = with_rules(ids)
    quiet = Quiet(due, now)
    decided, told = [], []
    for incident in due:
        if incident.merchant is not None and not incident.merchant.active:
            decided.append(_decided(incident, next_at=now + WHILE_SUSPENDED))
            continue
        until = quiet.until(incident)
        if until is not None:
            decided.append(_decided(incident, next_at=until, began=until))
            continue
        notice = _notice(incident, now)
        if notice is None:
            decided.append(_decided(incident, next_at=None))
            continue
        decided.append(_decided(incident, next_at=notice.next_at, notice=notice))
        told += [(incident, notice.event, channel) for channel in notice.channels]
    sent = send(told, alerting=alerting, now=now)
    execute(statements.NOTICED, decided=json.dumps(decided, default=str))
    return sent


def _notice(incident: Incident, now: datetime) -> Notice | None:
    policy = incident.rule.policy
    if policy is None:
        return None
    repeat = timedelta(minutes=policy.repeat_after) if policy.repeat_after else None
    return due_notice(
        read_steps(policy.steps),
        steps_done=incident.steps_done,
        opened_at=incident.escalates_from,
        repeat_after=repeat,
        now=now,
    )


def _decided(
    incident: Incident,
    *,
    next_at: datetime | None,
    began: datetime | None = None,
    notice: Notice | None = None,
) -> dict[str, Any]:
    told = dict.fromkeys((*incident.told, *(notice.channels if notice else ())))
    return {
        "id": incident.pk,
        "steps_done": notice.steps_done if notice else incident.steps_done,
        "next_notice_at": next_at,
        "told": [str(channel) for channel in told],
        # Of what was quiet the policy's clock begins when it is told first.
        "escalates_from": began if began and not incident.steps_done else incident.escalates_from,
    }
