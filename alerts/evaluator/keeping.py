"""From what was found to incidents: opened, counted, over."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from alerts import signals
from alerts.evaluator.finding import Looked, ask
from alerts.models import Rule
from alerts.rules import RULE_KINDS, Found
from alerts.statements import incidents
from alerts.wording import plain
from jobs.partitions import first_id
from tenants.identifiers import new_id
from tenants.statement import execute

KEPT = timedelta(days=90)
FORGOTTEN = 1_000  # rows of each that one tick forgets
CALM = 60.0  # seconds for which what stood has to be gone
# What comes back so soon after it was over has to be gone for as long before it is over again, or trouble
# that comes and goes would be two messages each time.
STEADY = timedelta(minutes=10)
LATELY = timedelta(days=1)  # how old an incident may be that says so


class Recorded(NamedTuple):
    """What RECORD returns."""

    id: UUID
    merchant_id: UUID | None
    rule_id: UUID
    severity: str
    subject_key: str
    subject: str
    detail: str
    times: int
    first_seen: datetime
    last_seen: datetime
    example_job_id: UUID | None
    opened: bool


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The incidents that were seen in this tick, and those of them that are new."""

    seen: list[UUID]
    opened: list[Recorded]


def record(looked: Looked, now: datetime) -> Kept:
    """Open an incident for each subject that has none, count in the others; tell the listeners."""
    if not looked.found:
        return Kept(seen=[], opened=[])
    rows = [_row(found, adds=found.rule_id in looked.adding) for found in _distinct(looked.found)]
    recorded = [
        Recorded._make(row)
        for row in execute(incidents.RECORD, found=json.dumps(rows, default=str), now=now)
    ]
    opened = [one for one in recorded if one.opened]
    if opened and signals.incident_opened.has_listeners():
        signals.tell_opened(_told(opened))
    return Kept(seen=[one.id for one in recorded], opened=opened)


def recover(looked: Looked, kept: Kept, now: datetime) -> list[UUID]:
    """Resolve what is over by itself; return the ids."""
    over: set[UUID] = set()
    if looked.whole:
        rows = execute(incidents.NOT_SEEN, rules=looked.whole, seen=kept.seen, now=now, calm=CALM)
        over.update(row[0] for row in rows)
    for name, rules in looked.events.items():
        rows, _ = ask(RULE_KINDS[name], RULE_KINDS[name].over, rules, looked.given)
        over.update(row[0] for row in rows)
    over.difference_update(kept.seen)
    if not over:
        return []
    values = {"steady": now - STEADY, "since": STEADY, "lately": first_id(now - LATELY)}
    return [row[0] for row in execute(incidents.RECOVER, ids=sorted(over), now=now, **values)]


def forget(now: datetime) -> None:
    """Delete some of the incidents that are long over, and of their messages."""
    before = first_id(now - KEPT)
    execute(incidents.FORGET_INCIDENTS, before=before, limit=FORGOTTEN)
    execute(incidents.FORGET_DELIVERIES, before=before, limit=FORGOTTEN)


def _distinct(found: Sequence[Found]) -> list[Found]:
    """Return one a rule and subject: names that differ only in what is not printable are the same."""
    merged: dict[tuple[UUID, str], Found] = {}
    for one in found:
        key = (one.rule_id, plain(one.subject_key, 300))
        other = merged.get(key)
        merged[key] = one._replace(
            subject_key=key[1],
            times=one.times + (other.times if other else 0),
            first_at=min(one.first_at, other.first_at) if other else one.first_at,
            last_at=max(one.last_at, other.last_at) if other else one.last_at,
        )
    return list(merged.values())


def _row(found: Found, *, adds: bool) -> dict[str, object]:
    row = found._asdict()
    return {
        **row,
        "id": new_id(),
        "subject": plain(found.subject or "", 300),
        "detail": plain(found.detail or "", 500),
        "adds": adds,
    }


def _told(opened: Sequence[Recorded]) -> list[signals.OpenedIncident]:
    rules = Rule.objects.in_bulk({one.rule_id for one in opened})
    return [
        signals.OpenedIncident(
            incident_id=one.id,
            merchant_id=one.merchant_id,
            rule_id=one.rule_id,
            rule_kind=rules[one.rule_id].kind,
            rule_name=rules[one.rule_id].name,
            severity=one.severity,
            subject_key=one.subject_key,
            subject=one.subject,
            detail=one.detail,
            count=one.times,
            first_seen=one.first_seen,
            last_seen=one.last_seen,
            example_job_id=one.example_job_id,
        )
        for one in opened
    ]
