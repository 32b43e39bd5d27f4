"""Expressions after checking: of a known kind, and ready to be evaluated."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from .context import Context

Evaluate = Callable[[Context], Any]


class Kind(Enum):
    """What an expression yields, known before any run: so a run cannot meet a wrong kind."""

    MOMENT = "a time"
    TEXT = "a text"
    INTEGER = "a whole number"
    SPAN = "a span of time"
    MIXED = "a value of one kind or another"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """A checked expression. `literal` is its value when it was written out in the payload."""

    kind: Kind
    evaluate: Evaluate
    nullable: bool = False
    literal: str | int | None = None
    uses: frozenset[str] = frozenset()


def literal(value: str | int) -> Expression:
    """Return the expression that always yields `value`."""
    kind = Kind.TEXT if isinstance(value, str) else Kind.INTEGER
    return Expression(kind=kind, evaluate=lambda _: value, literal=value)


def through(subject: Expression, kind: Kind, function: Callable[[Any], Any]) -> Expression:
    """Return `function` of `subject`; null stays null."""
    inner = subject.evaluate

    def evaluate(context: Context) -> Any:
        return function(inner(context))

    def evaluate_unless_null(context: Context) -> Any:
        value = inner(context)
        return None if value is None else function(value)

    return Expression(
        kind=kind,
        evaluate=evaluate_unless_null if subject.nullable else evaluate,
        nullable=subject.nullable,
        uses=subject.uses,
    )


def joined(
    left: Expression, right: Expression, kind: Kind, function: Callable[[Any, Any], Any]
) -> Expression:
    """Return `function` of both; null when either is null."""
    first, second = left.evaluate, right.evaluate

    def evaluate(context: Context) -> Any:
        one, other = first(context), second(context)
        return None if one is None or other is None else function(one, other)

    return Expression(
        kind=kind,
        evaluate=evaluate,
        nullable=left.nullable or right.nullable,
        uses=left.uses | right.uses,
    )


def as_json(value: Any) -> str | int | None:
    """Return a value as it stands alone in JSON: a time as ISO 8601 with its offset."""
    if isinstance(value, datetime):
        return value.isoformat()
    result: str | int | None = value
    return result


def as_text(value: Any) -> str:
    """Return a value as part of a text: null is empty."""
    return "" if value is None else str(as_json(value))
