"""Recurrences in bulk: one JSON object a line in, one a line out."""

import json
from datetime import datetime
from typing import Any

from templates_app.recurrence.document import quoted
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse

MOST = 100_000


def answer(line: str) -> str:
    """Answer one line of `manage.py occurrences`; a fault is an answer, never an exception."""
    name: Any = None
    try:
        question = _question(line)
        name = question.get("id")
        occurrences = [one.at.isoformat() for one in _occurrences(question)]
    except RecurrenceError as error:
        told: dict[str, Any] = {
            "code": error.code,
            "field": error.field,
            "message": error.message,
        }
        told |= {"hint": error.hint} if error.hint is not None else {}
        told |= {"position": error.position} if error.position is not None else {}
        return json.dumps({"id": name, "error": told}, ensure_ascii=False)
    return json.dumps({"id": name, "occurrences": occurrences})


def _occurrences(question: dict[str, Any]) -> Any:
    recurrence = parse(question.get("recurrence"), seed=str(question.get("seed", "")))
    inclusive = question.get("inclusive", False)
    if not isinstance(inclusive, bool):
        raise RecurrenceError("wrong_type", "inclusive", '"inclusive" must be true or false.')
    return recurrence.occurrences(_after(question), limit=_count(question), inclusive=inclusive)


def _question(line: str) -> dict[str, Any]:
    try:
        question = json.loads(line)
    except (ValueError, RecursionError):
        raise RecurrenceError("bad_json", "line", "The line is not a JSON object.") from None
    if not isinstance(question, dict):
        raise RecurrenceError("bad_json", "line", "The line is not a JSON object.")
    return question


def _after(question: dict[str, Any]) -> datetime:
    value = question.get("after")
    if value is None:
        raise RecurrenceError("required", "after", '"after" is missing: from when on?')
    try:
        after = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        after = None
    if after is None or after.tzinfo is None:
        raise RecurrenceError(
            "bad_date",
            "after",
            f"{quoted(value)} is not a time with an offset.",
            hint="Write 2026-01-01T00:00:00+00:00.",
        )
    return after


def _count(question: dict[str, Any]) -> int:
    count = question.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MOST:
        raise RecurrenceError("out_of_range", "count", f'"count" must be 0 to {MOST:,}.')
    return count
