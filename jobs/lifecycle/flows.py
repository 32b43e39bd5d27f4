"""Due jobs under flow rules: some go to the queue, the others wait in the line of a rule.

A job waits in one line, that of the first rule without room; let out of it, it is asked again by all
of its rules. So a flood that must wait costs one look a job, not one a step. Under one lock each
look sees all that was let go before, so limits hold with any number of populators.
"""

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from jobs.engine import FLOW_LOCK
from jobs.flow import Admission, Candidate, FlowBook, FlowRule
from jobs.flow_shares import shares
from jobs.lifecycle.queueing import is_short
from jobs.outcomes import CALLING_KINDS
from jobs.rows import Queued, Row, breaker_row, candidate_row, line_row, queued_row, rule_row
from jobs.statements import breaking, flowing, queueing, sharing
from tenants.statement import execute


@dataclass(frozen=True, kw_only=True)
class Flowed:
    """The jobs that got tickets, in the order they shall run; how many were sent to a line.

    `short`: more was due than there was room for.
    """

    queued: list[Queued]
    parked: int = 0
    short: bool = False


@dataclass(frozen=True, kw_only=True)
class Released:
    """How many jobs were let out of lines; `more`: there is room for others, to be given now."""

    jobs: int = 0
    more: bool = False


def flows_apply() -> bool:
    """Tell whether there is a flow rule, a host that is given up, or a job in a line."""
    [(anything,)] = execute(flowing.ANYTHING)
    return bool(anything)


def release_parked(
    *, now: datetime, places: Mapping[str, int], declared: Sequence[FlowRule] = ()
) -> Released:
    """Let the first of each line out, as many as its rule has room for and its lane places.

    Where several merchants stand in line for one rule, they take turns. `places`: how many more jobs
    each lane may have queued; jobs of other lanes, and those of suspended merchants, stay where they
    are. `declared`: the rules that handlers bring along.
    """
    with transaction.atomic():
        execute(flowing.LOCK, lock=FLOW_LOCK)
        lines = [line_row(row) for row in execute(flowing.LINES)]
        rules = _rules_of({line.rule_id for line in lines}, declared, now)
        active = _active([rule for rule in rules.values() if rule is not None])
        most = max(places.values(), default=0)
        rooms = {line: _room(rule, active, now, most) for line, rule in rules.items()}
        given = shares(lines, rooms=rooms, places=places, shuffle=random.shuffle)
        if not given:
            return Released()
        released = execute(
            flowing.RELEASE,
            lines=[share.line.rule_id for share in given],
            merchants=[share.line.merchant_id for share in given],
            lanes=[share.line.lane for share in given],
            rooms=[share.room for share in given],
        )
    # Who got less than there was room for, since others had a part that they did not need.
    divided = len(given) > len({share.line.rule_id for share in given})
    asked = sum(share.room for share in given)
    return Released(jobs=len(released), more=divided and 0 < len(released) < asked)


def next_token(now: datetime) -> datetime | None:
    """Return when the next token comes that somebody in a line waits for; None when nobody does."""
    if not flows_apply():
        return None
    lines = {line_row(row).rule_id for row in execute(flowing.LINES)}
    rules = [rule_row(row, now) for row in execute(flowing.RULES, ids=list(lines))] if lines else []
    waits = [
        rule.rate.seconds_to_token(now)
        for rule in rules
        if rule.rate is not None and not rule.paused
    ]
    waits = [seconds for seconds in waits if seconds > 0]
    return now + timedelta(seconds=min(waits)) if waits else None


def queue_within_flows(
    *,
    lane: str,
    now: datetime,
    limit: int,
    lease: float,
    aging: float,
    declared: Sequence[FlowRule] = (),
) -> Flowed:
    """Give tickets to those of at most `limit` due jobs that their rules let go; park the others.

    Which jobs are looked at, and in which order, is as in `queue_due` and `queue_shares`.
    """
    short = is_short(lane=lane, now=now, room=limit)
    candidates = sharing.FIND_SHARES if short else queueing.FIND_DUE
    with transaction.atomic():
        execute(flowing.LOCK, lock=FLOW_LOCK)
        found = execute(candidates, lane=lane, now=now, limit=limit, aging=aging)
        due = [candidate_row(row) for row in found]
        if not due:
            return Flowed(queued=[])
        rules = [rule_row(row, now) for row in _rules_for(due)]
        rules += [breaker_row(row, now) for row in _breakers_for(due)]
        rules += declared
        admission = FlowBook(rules, active=_active(rules), now=now).admit(due)
        _park(admission, aging)
        queued = _admit(admission, now, lease)
        _spend(rules, admission, now)
    return Flowed(queued=queued, parked=len(admission.parked), short=short)


def _rules_of(
    lines: set[UUID], declared: Sequence[FlowRule], now: datetime
) -> dict[UUID, FlowRule | None]:
    """Return the rule of each line; None for one that is no more."""
    if not lines:
        return {}
    ids = list(lines)
    known = [rule_row(row, now) for row in execute(flowing.RULES, ids=ids)]
    known += [breaker_row(row, now) for row in execute(breaking.OPEN, ids=ids)]
    rules = {rule.id: rule for rule in (*known, *declared)}
    return {line: rules.get(line) for line in ids}


def _room(rule: FlowRule | None, active: Counter[UUID], now: datetime, limit: int) -> int:
    if rule is None:  # it was deleted
        return limit
    room = rule.room(active=active[rule.id], now=now)
    return limit if room is None else min(room, limit)


def _rules_for(due: Sequence[Candidate]) -> list[Row]:
    wanted = {
        (scope, name, candidate.merchant_id)
        for candidate in due
        for scope, name in candidate.names()
    }
    found = execute(
        flowing.RULES_FOR,
        scopes=[scope for scope, _, _ in wanted],
        names=[name for _, name, _ in wanted],
        merchants=[merchant for _, _, merchant in wanted],
    )
    # The operators' own are found once for each merchant.
    return list({row[0]: row for row in found}.values())


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


def _active(rules: Collection[FlowRule]) -> Counter[UUID]:
    """Count what is in workers' hands of each rule that bounds it; nothing is read without one."""
    counted = {
        (rule.merchant_id, rule.scope, rule.name): rule.id
        for rule in rules
        if rule.most_active is not None
    }
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
                rule_id = counted.get((owner, scope, name))
                if rule_id is not None:
                    active[rule_id] += number
    return active


def _park(admission: Admission, aging: float) -> None:
    if admission.parked:
        ids, lines = list(admission.parked), list(admission.parked.values())
        execute(flowing.PARK, ids=ids, lines=lines, aging=aging)


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
