"""Lines of flow rules: who is let out when a rule has room again, to be asked by all of its rules."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from django.db import transaction

from jobs.engine import FLOW_LOCK
from jobs.flow import FlowRule, FlowScope, by_name
from jobs.flow_shares import Line, shares
from jobs.lifecycle.flows import active_of, flows_apply, rules_for
from jobs.rows import breaker_row, line_row, rule_row
from jobs.statements import breaking, flowing
from tenants.statement import execute

# Lines that one step looks at, drawn by lot when there are more.
MOST_LINES = 500
_SCOPES = frozenset(scope.value for scope in FlowScope)


@dataclass(frozen=True, kw_only=True)
class Released:
    """The jobs that were let out of lines; how many of them their lines' rules have room for.

    `more`: there is room for others, to be given now.
    """

    ids: frozenset[UUID] = frozenset()
    room: int = 0
    more: bool = False


def release_parked(
    *,
    now: datetime,
    places: Mapping[str, int],
    declared: Sequence[FlowRule] = (),
    reach: int = 1,
) -> Released:
    """Let the first of each line out, as many as its rule has room for and its lane places.

    Where several merchants stand in line for one rule, they take turns. `places`: how many more jobs
    each lane may have queued; jobs of other lanes, those of suspended merchants, and lines whose jobs
    another rule stops all the same, stay where they are. `declared`: the rules that handlers bring
    along. `reach`: let out so many though there is room for fewer; who does not go finds its place in
    line again.
    """
    most = max(places.values(), default=0)
    if most <= 0:
        return Released()
    with transaction.atomic():
        execute(flowing.LOCK, lock=FLOW_LOCK)
        rules = _rules_waited_for(declared, now)
        active = active_of([rule for rule in rules.values() if rule is not None])
        rooms = {line: _room(rule, active, now, most) for line, rule in rules.items()}
        ids = [line for line, room in rooms.items() if room > 0]
        if not ids:
            return Released()
        lines = [line_row(row) for row in execute(flowing.LINES, ids=ids)]
        lines = random.sample(lines, min(len(lines), MOST_LINES))
        wide = {line: max(room, min(reach, most)) if room else 0 for line, room in rooms.items()}
        passable = _passable(lines, rules, now)
        given = shares(passable, rooms=wide, places=places, shuffle=random.shuffle)
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
    room = sum(rooms[rule_id] for rule_id in {share.line.rule_id for share in given})
    return Released(
        ids=frozenset(row[0] for row in released),
        room=min(room, len(released)),
        more=divided and 0 < len(released) < asked,
    )


def next_token(now: datetime) -> datetime | None:
    """Return when the next token comes that somebody in a line waits for; None when nobody does."""
    if not flows_apply():
        return None
    [(token,)] = execute(flowing.NEXT_TOKEN, now=now)
    return cast("datetime | None", token)


def _rules_waited_for(declared: Sequence[FlowRule], now: datetime) -> dict[UUID, FlowRule | None]:
    """Return the rule of each line, but for those that surely have no room; None for one that is no more."""
    found = {row[0]: row[1:] for row in execute(flowing.WAITED_FOR, now=now)}
    rules = {rule.id: rule for rule in declared}
    strangers = [line for line, row in found.items() if row[0] is None and line not in rules]
    if strangers:
        breakers = [breaker_row(row, now) for row in execute(breaking.OPEN, ids=strangers)]
        rules |= {rule.id: rule for rule in breakers}
    return {
        line: rules.get(line) if row[0] is None else rule_row(row, now)
        for line, row in found.items()
    }


def _room(rule: FlowRule | None, active: Counter[UUID], now: datetime, limit: int) -> int:
    if rule is None:  # it was deleted
        return limit
    room = rule.room(active=active[rule.id], now=now)
    return limit if room is None else min(room, limit)


def _passable(
    lines: Sequence[Line], rules: Mapping[UUID, FlowRule | None], now: datetime
) -> list[Line]:
    """Leave out the lines all of whose jobs fall under another rule, too, that has no room.

    Else two rules over the same jobs would send them back and forth between their lines, one look a job
    each time that the one has room and the other has not.
    """
    covering = {line: _names(line, rules[line.rule_id]) for line in lines}
    wanted = {(*name, line.merchant_id) for line, names in covering.items() for name in names}
    found = rules_for(wanted, now)
    active = active_of(found)
    full = by_name(rule for rule in found if rule.room(active=active[rule.id], now=now) == 0)
    return [
        line
        for line, names in covering.items()
        if not any((owner, *name) in full for owner in (line.merchant_id, None) for name in names)
    ]


def _names(line: Line, rule: FlowRule | None) -> list[tuple[str, str]]:
    """Return the scopes, each with its name, that all jobs of a line fall under."""
    names = [(FlowScope.MERCHANT.value, ""), (FlowScope.LANE.value, line.lane)]
    if rule is not None and rule.scope in _SCOPES:
        names.append((rule.scope, rule.name))
    return names
