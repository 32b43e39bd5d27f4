"""Due jobs under flow rules: some go to the queue, the others wait in the line of a rule.

A job waits in one line, that of the first rule without room; let out of it, it is asked again by all
of its rules. So a flood that must wait costs one look a job, not one a step. Under one lock each
look sees all that was let go before, so limits hold with any number of populators.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from jobs.engine import FLOW_LOCK
from jobs.flow import BREAKER, Admission, Candidate, FlowBook, FlowRule, by_name
from jobs.lifecycle.queueing import is_short
from jobs.outcomes import CALLING_KINDS
from jobs.rows import Queued, Row, breaker_row, candidate_row, queued_row, rule_row
from jobs.statements import breaking, flowing, queueing, sharing
from tenants.statement import execute


@dataclass(frozen=True, kw_only=True)
class Flowed:
    """The jobs that got tickets, in the order they shall run; how many were sent to a line, those not
    counted that had been let out of one.

    `short`: more was due than there was room for.
    """

    queued: list[Queued]
    parked: int = 0
    short: bool = False


def flows_apply() -> bool:
    """Tell whether there is a flow rule, a host that is given up, or a job in a line."""
    [(anything,)] = execute(flowing.ANYTHING)
    return bool(anything)


def queue_within_flows(
    *,
    lane: str,
    now: datetime,
    limit: int,
    lease: float,
    aging: float,
    declared: Sequence[FlowRule] = (),
    released: Collection[UUID] = (),
) -> Flowed:
    """Give tickets to those of at most `limit` due jobs that their rules let go; park the others.

    Which jobs are looked at, and in which order, is as in `queue_due` and `queue_shares`. `released`:
    the jobs that this step let out of lines.
    """
    short = is_short(lane=lane, now=now, room=limit)
    candidates = sharing.FIND_SHARES if short else queueing.FIND_DUE
    with transaction.atomic():
        execute(flowing.LOCK, lock=FLOW_LOCK)
        found = execute(candidates, lane=lane, now=now, limit=limit, aging=aging)
        due = [candidate_row(row) for row in found]
        if not due:
            return Flowed(queued=[])
        wanted = {(scope, name, one.merchant_id) for one in due for scope, name in one.names()}
        rules = rules_for(wanted, now)
        rules += [breaker_row(row, now) for row in _breakers_for(due)]
        rules += declared
        admission = FlowBook(rules, active=active_of(rules), now=now).admit(due)
        _park(admission, rules, aging, now)
        queued = _admit(admission, now, lease)
        _spend(rules, admission, now)
    parked = sum(job_id not in released for job_id in admission.parked)
    return Flowed(queued=queued, parked=parked, short=short)


def rules_for(wanted: Collection[tuple[str, str, UUID]], now: datetime) -> list[FlowRule]:
    """Return the rules for these scopes, names and merchants, and those over all merchants."""
    found = execute(
        flowing.RULES_FOR,
        scopes=[scope for scope, _, _ in wanted],
        names=[name for _, name, _ in wanted],
        merchants=[merchant for _, _, merchant in wanted],
    )
    return [rule_row(row, now) for row in found]


def _breakers_for(due: Sequence[Candidate]) -> list[Row]:
    hosts = {
        (candidate.merchant_id, candidate.handler)
        for candidate in due
        if candidate.kind in CALLING_KINDS and candidate.handler
    }
    if not hosts:
        return []
    return execute(
        breaking.OPEN_FOR,
        merchants=[merchant for merchant, _ in hosts],
        handlers=[handler for _, handler in hosts],
    )


def active_of(rules: Collection[FlowRule]) -> Counter[UUID]:
    """Count what is in workers' hands of each rule that bounds it; nothing is read without one."""
    counted = by_name(rule for rule in rules if rule.most_active is not None)
    active: Counter[UUID] = Counter()
    if not counted:
        return active
    for merchant_id, template_id, kind, lane, handler, key, number in execute(flowing.ACTIVE):
        group = Candidate(
            job_id=merchant_id,
            merchant_id=merchant_id,
            template_id=template_id,
            kind=kind,
            lane=lane,
            handler=handler,
            concurrency_key=key,
        )
        for scope, name in group.names():
            for owner in (merchant_id, None):
                for rule in counted.get((owner, scope, name), ()):
                    active[rule.id] += number
    return active


def _park(admission: Admission, rules: Sequence[FlowRule], aging: float, now: datetime) -> None:
    if admission.parked:
        execute(
            flowing.PARK,
            ids=list(admission.parked),
            lines=list(admission.parked.values()),
            breakers=[rule.id for rule in rules if rule.scope == BREAKER],
            aging=aging,
            now=now,
        )


def _admit(admission: Admission, now: datetime, lease: float) -> list[Queued]:
    if not admission.admitted:
        return []
    place = {job_id: index for index, job_id in enumerate(admission.admitted)}
    found = execute(
        queueing.ADMIT,
        ids=admission.admitted,
        counted=list(admission.counted),
        now=now,
        lease=lease,
    )
    queued = [queued_row(row) for row in found]
    queued.sort(key=lambda job: place[job.job_id])
    return queued


def _spend(rules: Sequence[FlowRule], admission: Admission, now: datetime) -> None:
    left = {
        rule.id: rule.rate.left(now) - admission.taken[rule.id]
        for rule in rules
        if rule.rate is not None and admission.taken[rule.id]
    }
    if left:
        execute(flowing.SPEND, ids=list(left), tokens=list(left.values()), now=now)
