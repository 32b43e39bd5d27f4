"""From how a command ended to an outcome: stable codes, and what it wrote."""

import json
import signal
from typing import Any, Final

from jobs.handlers.command.allow_list import Command
from jobs.handlers.command.sandbox import Finished
from jobs.outcomes import Failure, Outcome, Result

# Bytes of JSON beside the two texts.
ROOM: Final = 300


def ended(finished: Finished, command: Command, *, seconds: float, output_limit: int) -> Outcome:
    """Return the outcome of a run that was given `seconds`."""
    output = _output(finished, output_limit)
    code = finished.exit_code
    if code == 0:
        return Outcome(result=Result.SUCCEEDED, output=output)
    if code is None:
        message = f"The command did not end within {seconds:g} s and was killed."
        failure = Failure(code="timeout", message=message)
        return Outcome(result=Result.TIMED_OUT, output=output, failure=failure)
    permanent = code in command.permanent_exit_codes
    return Outcome(
        result=Result.REJECTED if permanent else Result.FAILED,
        output=output,
        failure=Failure(code=f"exit_{code}", message=_sentence(code, command)),
    )


def refused(code: str, message: str) -> Outcome:
    """Return the outcome of a command that must not run, now or later."""
    return Outcome(result=Result.REJECTED, failure=Failure(code=code, message=message))


def unavailable(message: str) -> Outcome:
    """Return the outcome of a command that did not run; another worker, or a later try, may."""
    return Outcome(
        result=Result.FAILED, failure=Failure(code="sandbox_unavailable", message=message)
    )


def _sentence(code: int, command: Command) -> str:
    text = f"The command {command.name} ended with exit code {code}"
    try:
        number = signal.Signals(code - 128).name
    except ValueError:
        return f"{text}."
    return f"{text}, as after {number}; perhaps it met a limit of its sandbox."


def _output(finished: Finished, limit: int) -> dict[str, Any]:
    output: dict[str, Any] = {
        "exit_code": finished.exit_code,
        "stdout": finished.stdout.text(),
        "stderr": finished.stderr.text(),
        "stdout_bytes": finished.stdout.total,
        "stderr_bytes": finished.stderr.total,
        "truncated": bool(finished.stdout.left_out or finished.stderr.left_out),
        "duration_ms": round(finished.seconds * 1000),
    }
    # Control characters take up to six bytes in JSON.
    while len(json.dumps(output, ensure_ascii=False).encode()) > limit:
        longer = max(("stdout", "stderr"), key=lambda name: len(output[name]))
        output[longer] = output[longer][: len(output[longer]) * 3 // 4]
        output["truncated"] = True
    return output
