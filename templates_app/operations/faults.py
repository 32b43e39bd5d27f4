"""Faults of a recurrence or a payload, told like all faults of a request body."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.operations.fields import FieldProblem, pointer_token
from templates_app.placeholders import PlaceholderError
from templates_app.recurrence.errors import RecurrenceError


def recurrence_problem(error: RecurrenceError, document: Any, pointer: str) -> FieldProblem:
    """Say a recurrence's fault; the pointer goes as deep as the document has the named path."""
    where = pointer
    inner = document
    for part in error.field.split("."):
        if isinstance(inner, Mapping) and part in inner:
            inner = inner[part]
        elif isinstance(inner, Sequence) and part.isdigit() and int(part) < len(inner):
            inner = inner[int(part)]
        else:
            break
        where += f"/{pointer_token(part)}"
    if isinstance(inner, Mapping) and isinstance(inner.get("expression"), str):
        where += "/expression"
    sentence = _sentence(error.message, error.hint)
    if error.position is not None:
        sentence = f"At character {error.position + 1}: {sentence}"
    return FieldProblem(where, error.code, sentence)


def placeholder_problems(error: PlaceholderError, pointer: str) -> list[FieldProblem]:
    """Say the faults of a payload's placeholders."""
    faults = error.faults or (error,)
    return [
        FieldProblem(f"{pointer}{one.pointer}", one.code, _sentence(one.message, one.hint))
        for one in faults
    ]


def _sentence(message: str, hint: str | None) -> str:
    return f"{message} {hint}" if hint else message
