"""Who is told of what in this tick: the notices that are due."""

import json
from collections.abc import Container, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from alerts.alerting import Alerting
from alerts.escalation import Notice, Step, due_notice, read_steps
from alerts.evaluator.quiet import Quiet
from alerts.models import EscalationPolicy, Incident
from alerts.models.incident import IncidentState
from alerts.sending.notices import is_heard, send, usable, with_rules
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
    steps = {policy.pk: read_steps(policy.steps) for policy in _policies(due)}
    channels = usable(
        channel for some in steps.values() for step in some for channel in step.channels
    )
    decided, told = [], []
    for incident in due:
        if not is_heard(incident):
            decided.append(_decided(incident, next_at=now + WHILE_SUSPENDED))
            continue
        until = quiet.until(incident)
        if until is not None:
            decided.append(_decided(incident, next_at=until, began=until))
            continue
        policy = incident.rule.policy
        if policy is None:
            decided.append(_decided(incident, next_at=None))
            continue
        notice = _notice(incident, _only(steps[policy.pk], channels), policy.repeat_after, now)
        decided.append(_decided(incident, next_at=notice.next_at, notice=notice))
        told += [(incident, notice.event, channel) for channel in notice.channels]
    sent = send(told, channels, alerting=alerting, now=now)
    execute(statements.NOTICED, decided=json.dumps(decided, default=str))
    return sent


def _policies(due: Iterable[Incident]) -> list[EscalationPolicy]:
    return [one.rule.policy for one in due if one.rule.policy is not None]


def _only(steps: Iterable[Step], channels: Container[UUID]) -> list[Step]:
    """Return the steps with those of their channels that are there and switched on."""
    return [
        replace(step, channels=tuple(one for one in step.channels if one in channels))
        for step in steps
    ]


def _notice(incident: Incident, steps: list[Step], repeat: int | None, now: datetime) -> Notice:
    return due_notice(
        steps,
        steps_done=incident.steps_done,
        opened_at=incident.escalates_from,
        repeat_after=timedelta(minutes=repeat) if repeat else None,
        now=now,
        # NOBODY_TOLD asked for it.
        hurried=incident.untold_at is not None and incident.untold_at == incident.next_notice_at,
        woken=incident.state == IncidentState.SNOOZED,
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
