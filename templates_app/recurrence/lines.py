"""Recurrences in bulk: one JSON object a line in, one a line out."""

import json
import logging
import math
import traceback
from datetime import datetime
from typing import Any, NoReturn

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse
from templates_app.recurrence.plain_json import is_too_deep
from templates_app.recurrence.shown import quoted

MOST = 100_000
LOGGER = logging.getLogger(__name__)


def answer(line: str) -> str:
    """Answer one line of `manage.py occurrences`; a fault is an answer, never an exception.

    The answer is one line of ASCII, whatever the question holds.
    """
    name: Any = None
    try:
        question = _question(line)
        name = question.get("id")
        occurrences = [one.at.isoformat() for one in _occurrences(question)]
    except RecurrenceError as error:
        return json.dumps({"id": name, "error": _told(error)})
    # One line that meets a fault of ours must not leave the thousands after it unanswered.
    except Exception as error:  # noqa: BLE001
        _log(error)
        fault = RecurrenceError(
            "internal",
            "line",
            "This line met a fault of the engine; the other lines are not touched by it.",
            hint="Please report the recurrence.",
        )
        return json.dumps({"id": name, "error": _told(fault)})
    return json.dumps({"id": name, "occurrences": occurrences})


def _told(error: RecurrenceError) -> dict[str, Any]:
    told: dict[str, Any] = {"code": error.code, "field": error.field, "message": error.message}
    told |= {"hint": error.hint} if error.hint is not None else {}
    return told | ({"position": error.position} if error.position is not None else {})


def _log(error: Exception) -> None:
    """Log where it happened, without the exception's message: that may hold the user's text."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    LOGGER.error(
        "A line was not answered: %s in %s, line %s", type(error).__name__, place.name, place.lineno
    )


def _occurrences(question: dict[str, Any]) -> Any:
    recurrence = parse(question.get("recurrence"), seed=_seed(question))
    inclusive = question.get("inclusive", False)
    if not isinstance(inclusive, bool):
        raise RecurrenceError("wrong_type", "inclusive", '"inclusive" must be true or false.')
    return recurrence.occurrences(_after(question), limit=_count(question), inclusive=inclusive)


def _question(line: str) -> dict[str, Any]:
    if is_too_deep(line):
        raise RecurrenceError("bad_json", "line", "The line nests more than 20 deep.")
    try:
        question = json.loads(line, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        question = None
    if not isinstance(question, dict):
        raise RecurrenceError(
            "bad_json",
            "line",
            "The line is not a JSON object.",
            hint='Write {"id": 1, "recurrence": {...}, "after": "2026-01-01T00:00:00+00:00"}.',
        )
    return question


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _no_number(text)
    return number


def _seed(question: dict[str, Any]) -> str:
    seed = question.get("seed", "")
    if not isinstance(seed, str | int):
        raise RecurrenceError("wrong_type", "seed", '"seed" must be a text.')
    return str(seed)


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
