"""Flow rules: what of the due jobs may be handed to workers now, and what waits in line. Pure.

A rule speaks of the jobs that have something in common: a merchant, a template, a kind, a lane, a
handler, a concurrency key. It may pause them, bound how many are in workers' hands at once, and bound how
many start in a time (a token bucket). A job runs when every rule that it falls under lets it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from jobs.outcomes import CALLING_KINDS


class FlowScope(StrEnum):
    """What a rule's jobs have in common."""

    MERCHANT = "merchant"
    TEMPLATE = "template"
    KIND = "kind"
    LANE = "lane"
    HANDLER = "handler"  # the function, the command, or whom the job calls: its host or destination
    KEY = "key"  # the concurrency key


# Not rules that people make: a breaker (jobs.breaker), which lets nothing go, a probe, or a few; and what
# the code of a handler says of itself.
BREAKER = "breaker"
DECLARED = "declared"
_DECLARED_IDS = UUID("5f1d3f0e-8f0b-4c55-9a3b-0d7c2f6a9b41")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """A token bucket: `burst` at once, `per_second` on average; `tokens` were left at `at`."""

    per_second: float
    burst: int
    tokens: float
    at: datetime

    def left(self, now: datetime) -> float:
        """Return the tokens at `now`, never more than the burst."""
        seconds = max((now - self.at).total_seconds(), 0.0)
        return min(self.tokens + seconds * self.per_second, float(self.burst))


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowRule:
    """One rule. `merchant_id` None: the operators', over all merchants.

    There may be two of the same merchant, scope and name: its own, and one that the operators set for it.
    """

    id: UUID
    merchant_id: UUID | None
    scope: str
    name: str
    paused: bool = False
    most_active: int | None = None
    rate: Rate | None = None

    def room(self, *, active: int, now: datetime) -> int | None:
        """Return how many more jobs may be handed to workers; None: as many as there are."""
        if self.paused:
            return 0
        rooms = []
        if self.most_active is not None:
            rooms.append(max(self.most_active - active, 0))
        if self.rate is not None:
            rooms.append(math.floor(self.rate.left(now) + 1e-9))
        return min(rooms, default=None)


def declared_rules(most_active: Mapping[tuple[str, str], int]) -> tuple[FlowRule, ...]:
    """Return the rules that handlers bring along, given by kind and handler; over all merchants."""
    return tuple(
        FlowRule(
            id=uuid5(_DECLARED_IDS, f"{kind}:{handler}"),
            merchant_id=None,
            scope=DECLARED,
            name=f"{kind}:{handler}",
            most_active=most,
        )
        for (kind, handler), most in most_active.items()
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A due job that has a place in the broker if its rules let it."""

    job_id: UUID
    merchant_id: UUID
    template_id: UUID | None
    kind: str
    lane: str
    handler: str
    concurrency_key: str = ""

    def names(self) -> tuple[tuple[str, str], ...]:
        """Return the scopes that it falls under, each with its name."""
        names = [
            (FlowScope.MERCHANT.value, ""),
            (FlowScope.KIND.value, self.kind),
            (FlowScope.LANE.value, self.lane),
        ]
        if self.template_id is not None:
            names.append((FlowScope.TEMPLATE.value, str(self.template_id)))
        if self.handler:
            names.append((FlowScope.HANDLER.value, self.handler))
            names.append((DECLARED, f"{self.kind}:{self.handler}"))
            if self.kind in CALLING_KINDS:
                names.append((BREAKER, self.handler))
        if self.concurrency_key:
            names.append((FlowScope.KEY.value, self.concurrency_key))
        return tuple(names)


@dataclass(kw_only=True)
class Admission:
    """Which candidates may go, in their order, and which wait, by the rule that stopped them.

    `counted`: those of `admitted` whose end makes room for others. `taken`: how many each rule let.
    """

    admitted: list[UUID] = field(default_factory=list)
    counted: set[UUID] = field(default_factory=set)
    parked: dict[UUID, UUID] = field(default_factory=dict)
    taken: Counter[UUID] = field(default_factory=Counter)


def by_name(
    rules: Iterable[FlowRule],
) -> dict[tuple[UUID | None, str, str], list[FlowRule]]:
    """Return the rules by merchant, scope and name, in their order."""
    found: dict[tuple[UUID | None, str, str], list[FlowRule]] = {}
    for rule in rules:
        found.setdefault((rule.merchant_id, rule.scope, rule.name), []).append(rule)
    return found


class FlowBook:
    """The rules by what they speak of, and the room that each has left."""

    def __init__(
        self, rules: Iterable[FlowRule], *, active: Mapping[UUID, int], now: datetime
    ) -> None:
        self._rules = by_name(rules)
        self._room = {
            rule.id: rule.room(active=active.get(rule.id, 0), now=now)
            for found in self._rules.values()
            for rule in found
        }

    def rules_of(self, candidate: Candidate) -> list[FlowRule]:
        """Return the rules that a job falls under, those over its merchant alone first."""
        return [
            rule
            for owner in (candidate.merchant_id, None)
            for scope, name in candidate.names()
            for rule in self._rules.get((owner, scope, name), ())
        ]

    def admit(self, candidates: Sequence[Candidate]) -> Admission:
        """Let candidates go in their order as long as all of their rules have room."""
        admission = Admission()
        for candidate in candidates:
            rules = self.rules_of(candidate)
            stopped_by = next((rule for rule in rules if self._room[rule.id] == 0), None)
            if stopped_by is not None:
                admission.parked[candidate.job_id] = stopped_by.id
                continue
            admission.admitted.append(candidate.job_id)
            for rule in rules:
                self._take(rule)
                admission.taken[rule.id] += 1
                if rule.most_active is not None:
                    admission.counted.add(candidate.job_id)
        return admission

    def _take(self, rule: FlowRule) -> None:
        room = self._room[rule.id]
        if room is not None:
            self._room[rule.id] = room - 1
