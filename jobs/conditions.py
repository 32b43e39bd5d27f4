"""Conditions: CEL expressions over the results of a job's parents, such as

    parents.extract.result.rows > 0 && parents.check.status == "succeeded"

CEL (Common Expression Language, https://cel.dev) has no loops, no side effects and no way out of the
expression. What is left that could cost much is refused: its macros over lists, and `matches`, whose
time grows with the pattern's repetitions as well (`[ab]{999}` over 64 KiB takes a second and more). Pure.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]

MAX_LENGTH = 500
_MAX_DEPTH = 64
_INT64 = 2**63
# Before a bracket, wherever that stands: in a text as well, for want of a parser of texts.
_DEAR = re.compile(r"(?<![A-Za-z0-9_])(all|exists|exists_one|existsOne|map|filter|matches)\s*\(")
_NAMED = re.compile(r"(?<![A-Za-z0-9_.])parents[ ]*\.[ ]*([A-Za-z_][A-Za-z0-9_]*)")
_ENVIRONMENT = cel.NewEnv(variables={"parents": cel.Type.Map(cel.Type.STRING, cel.Type.DYN)})


class InvalidCondition(ValueError):
    """The expression cannot be used; the message is a sentence that says why."""


class UndecidedCondition(Exception):
    """With these results the expression has no answer; the message says why."""


def check_condition(text: str) -> frozenset[str]:
    """Return the names of the parents that the expression looks at. Raises InvalidCondition."""
    dear = _DEAR.search(text)
    if dear:
        raise InvalidCondition(
            f'uses "{dear[1]}(…)", which may take long; that is not allowed. For texts there are '
            "startsWith, endsWith and contains."
        )
    expression = _compiled(text)
    if expression.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        raise InvalidCondition("must be true or false, such as parents.a.result.rows > 0.")
    return frozenset(_NAMED.findall(text))


def holds(text: str, parents: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether the expression is true. Raises UndecidedCondition, InvalidCondition."""
    data = {name: _as_cel(parent, 0) for name, parent in parents.items()}
    try:
        answer = _compiled(text).eval(data={"parents": data})
    except RuntimeError as error:
        raise UndecidedCondition(_first_line(error)) from error
    value = answer.plain_value()
    if answer.type() == cel.Type.BOOL:
        return bool(value)
    if answer.type() == cel.Type.ERROR:
        raise UndecidedCondition(_first_line(value))
    raise UndecidedCondition(f"It is neither true nor false but {answer.type().name()}")


@lru_cache(maxsize=1_024)
def _compiled(text: str) -> cel.Expression:
    try:
        return _ENVIRONMENT.compile(text)
    except RuntimeError as error:
        raise InvalidCondition(f"is not a CEL expression: {_first_line(error)}.") from error


def _as_cel(value: Any, depth: int) -> Any:
    """Return a JSON value as CEL can hold it: its integers have 64 bits."""
    if depth > _MAX_DEPTH:
        raise UndecidedCondition("A result nests too many levels")
    if isinstance(value, Mapping):
        return {name: _as_cel(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_cel(each, depth + 1) for each in value]
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return _as_float(value)
    return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise UndecidedCondition("A result holds a number that is too large") from None


def _first_line(error: object) -> str:
    """Return what CEL complains about, without its codes, in at most 150 characters."""
    line = str(error).partition("\n")[0]
    line = re.sub(r"^[A-Z_]+: (ERROR: )?(<input>:\d+:)?", "", line)
    return re.sub(r"^(\d+): ", r"at character \1, ", line).strip()[:150]


def unknown_names(named: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return the names that are not known, sorted."""
    return sorted(set(named) - set(known))
