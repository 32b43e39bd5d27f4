"""From what a Python handler returned or raised to an outcome."""

import json
import re
import traceback
from types import TracebackType
from typing import Any

from jobs.handlers.python_functions import PermanentFailure, RetryLater
from jobs.handlers.text import storable
from jobs.outcomes import Failure, Outcome, Result

MAX_MESSAGE = 1000  # characters
MAX_TRACEBACK = 8 * 1024  # characters
_TRUNCATION_ROOM = 64  # bytes, for {"truncated": true, "preview": "…"}


def returned(value: Any, output_limit: int) -> Outcome:
    """Return the outcome of a handler that returned `value`.

    A result longer than `output_limit` bytes of JSON is cut to a preview of its text.
    """
    if value is None:
        return Outcome(result=Result.SUCCEEDED)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        clean = _clean(text)
        output = json.loads(clean)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"The handler's result is not JSON: {error!s:.300}"
        return failed(Result.FAILED, "result_not_json", message)
    encoded = clean.encode()
    if len(encoded) > output_limit:
        # Written as JSON once more, each quote and backslash of the preview takes two bytes.
        preview = encoded[: max(0, output_limit - _TRUNCATION_ROOM) // 2].decode(errors="ignore")
        output = {"truncated": True, "preview": preview}
    return Outcome(result=Result.SUCCEEDED, output=output)


def raised(error: BaseException) -> Outcome:
    """Return the outcome of a handler that raised."""
    message = str(error) or f"The handler raised {type(error).__name__} without a message."
    detail = _traceback(error)
    match error:
        case PermanentFailure():
            return failed(Result.REJECTED, "permanent_failure", message, detail)
        case RetryLater():
            return failed(Result.FAILED, "retry_later", message, detail, error.seconds)
        case _:
            return failed(Result.FAILED, _code(error), message, detail)


def timed_out(seconds: float) -> Outcome:
    """Return the outcome of a handler that was stopped after `seconds`."""
    return failed(Result.TIMED_OUT, "timeout", f"The handler did not end within {seconds:g} s.")


def failed(
    result: Result, code: str, message: str, detail: str = "", retry_after: float | None = None
) -> Outcome:
    """Return an outcome with a failure whose texts are fit to be stored."""
    failure = Failure(
        code=code, message=storable(message, MAX_MESSAGE), detail=storable(detail, MAX_TRACEBACK)
    )
    return Outcome(result=result, failure=failure, retry_after=retry_after)


def _clean(text: str) -> str:
    """Replace, in JSON text, what PostgreSQL's jsonb refuses: NUL and lone surrogates."""
    if "\\u0000" in text:
        # An escaped backslash before it makes it plain text: "\\\\u0000".
        text = re.sub(r"(?<!\\)((?:\\\\)*)\\u0000", "\\1\N{REPLACEMENT CHARACTER}", text)
    return storable(text, len(text))


def _code(error: BaseException) -> str:
    """Return the exception's class name in snake case: ValueError becomes value_error."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(error).__name__)
    return storable(name.lower(), 100)


def _traceback(error: BaseException) -> str:
    """Return the end of the traceback, the platform's own frames left out.

    Lines of source only: values of local variables may be secrets.
    """
    trace = _below_platform(error.__traceback__)
    lines = traceback.format_exception(type(error), error, trace)
    return "".join(lines)[-MAX_TRACEBACK:]


def _below_platform(trace: TracebackType | None) -> TracebackType | None:
    kept = trace
    while kept and kept.tb_next and _is_platform(kept):
        kept = kept.tb_next
    return kept


def _is_platform(trace: TracebackType) -> bool:
    module = trace.tb_frame.f_globals.get("__name__", "")
    return module in ("jobs.handlers.python_kind", "asyncio.runners", "asyncio.base_events") or (
        module == "concurrent.futures.thread"
    )
