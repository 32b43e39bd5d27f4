"""What is in trouble: every kind's statement, once, for all of its enabled rules."""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError, transaction

from alerts.rules import RULE_KINDS, Found, RuleKind
from alerts.statements import reading
from jobs.handlers.kinds import LANES
from jobs.partitions import first_id
from tenants.statement import execute

logger = logging.getLogger(__name__)
LETTERS = 20_000  # new dead letters that one tick reads
TRIES = 64  # of a kind in one tick, when its statement fails
_STREAM = "dead_letters"


class EnabledRule(NamedTuple):
    """What ENABLED_RULES returns."""

    id: UUID
    merchant_id: UUID | None
    kind: str
    template_id: UUID | None
    parameters: str  # JSON


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What one look found. `adding`: rules whose counts add up; `whole`: those whose every
    trouble is in `found`; `events`: those of the other kinds; `given`: what all were asked with."""

    found: list[Found]
    adding: frozenset[UUID]
    whole: list[UUID]
    events: dict[str, list[EnabledRule]]
    given: dict[str, Any] = field(repr=False)
    position: UUID

    def move_cursor(self) -> None:
        """Remember how far was read; to be called in the look's own transaction."""
        execute(reading.MOVE_CURSOR, stream=_STREAM, position=self.position)


def look(now: datetime, *, horizon: float) -> Looked:
    """Ask every kind that has enabled rules. A rule that cannot be looked at is logged, and costs no other."""
    upto: UUID = execute(reading.HORIZON)[0][0]
    after = _position(upto)
    rules = _enabled()
    end = _end_of_batch(after, upto) if rules else upto
    given = {
        "now": now,
        "after": after,
        "upto": end,
        "limit": LETTERS,
        "horizon": horizon,
        "lanes": list(LANES),
    }
    found: list[Found] = []
    adding: set[UUID] = set()
    whole: list[UUID] = []
    events: dict[str, list[EnabledRule]] = {}
    for name, enabled in rules.items():
        kind = RULE_KINDS[name]
        rows, looked_at = ask(kind, kind.find, enabled, given)
        found += map(Found._make, rows)
        ids = [rule.id for rule in looked_at]
        if kind.standing:
            whole += ids
        elif ids:
            events[name] = looked_at
        if kind.adds:
            adding.update(ids)
    return Looked(
        found=found,
        adding=frozenset(adding),
        whole=whole,
        events=events,
        given=given,
        position=end,
    )


def _position(upto: UUID) -> UUID:
    rows = execute(reading.CURSOR, stream=_STREAM)
    # The first look ever: what failed before there were alerts is nobody's news.
    return rows[0][0] if rows else upto


def _end_of_batch(after: UUID, upto: UUID) -> UUID:
    """Return how far this tick reads: to the horizon, or to the last of so many new letters."""
    rows = execute(reading.LETTERS_FULL, after=after, upto=upto, last=LETTERS - 1)
    return rows[0][0] if rows else max(after, upto)


def _enabled() -> dict[str, list[EnabledRule]]:
    rules: dict[str, list[EnabledRule]] = defaultdict(list)
    for row in map(EnabledRule._make, execute(reading.ENABLED_RULES)):
        if row.kind in RULE_KINDS:  # else of another release
            rules[row.kind].append(row)
    return rules


def _columns(kind: RuleKind, rules: Sequence[EnabledRule], now: datetime) -> dict[str, Any]:
    numbers = [kind.columns(json.loads(rule.parameters)) for rule in rules]
    return {
        "rules": [rule.id for rule in rules],
        "merchants": [rule.merchant_id for rule in rules],
        "templates": [rule.template_id for rule in rules],
        "bounds": [one["bound"] for one in numbers],
        "spans": [one["span"] for one in numbers],
        "leasts": [one["least"] for one in numbers],
        "floors": [first_id(now - timedelta(seconds=one["span"])) for one in numbers],
    }


def ask(
    kind: RuleKind, statement: str, rules: Sequence[EnabledRule], given: dict[str, Any]
) -> tuple[list[Any], list[EnabledRule]]:
    """Run a kind's statement for rules; return its rows, and the rules that could be looked at.

    One statement for all. When it fails, halves are tried until whoever is at fault stands alone; what is left
    after TRIES is not looked at in this tick.
    """
    rows: list[Any] = []
    good: list[EnabledRule] = []
    waiting = [list(rules)]
    for _ in range(TRIES):
        some = waiting.pop(0)
        try:
            with transaction.atomic():
                now: datetime = given["now"]
                columns = _columns(kind, some, now)
                rows += execute(statement, **columns, **given, **kind.also(now))
        except (DatabaseError, TypeError, ValueError):
            if len(some) == 1:
                logger.exception(
                    "Alerts: rule %s of kind %s cannot be looked at", some[0].id, kind.name
                )
            else:
                waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
        else:
            good += some
        if not waiting:
            return rows, good
    left = sum(map(len, waiting))
    logger.error("Alerts: %d more rules of kind %s were not looked at", left, kind.name)
    return rows, good
