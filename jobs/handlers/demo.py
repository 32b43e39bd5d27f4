"""The bundled demo handlers: nothing, echo, sleep, fail."""

import asyncio
from typing import Any

from jobs.handlers.context import AttemptContext
from jobs.handlers.python_functions import PermanentFailure, handler

MAX_SLEEP = 3600


class DemoFailure(Exception):
    """What demo.fail raises; another attempt may succeed."""


@handler(
    "demo.noop",
    arguments_schema={"type": "object", "additionalProperties": False, "properties": {}},
)
async def noop(context: AttemptContext) -> None:
    """Do nothing, as fast as the platform can."""


@handler("demo.echo", arguments_schema={"type": "object"})
def echo(context: AttemptContext, /, **arguments: Any) -> dict[str, Any]:
    """Return the arguments."""
    context.logger.info("echoing %d arguments on attempt %d", len(arguments), context.attempt)
    return arguments


@handler(
    "demo.sleep",
    arguments_schema={
        "type": "object",
        "additionalProperties": False,
        "properties": {"seconds": {"type": "number", "minimum": 0, "maximum": MAX_SLEEP}},
    },
)
async def sleep(context: AttemptContext, seconds: float = 1.0) -> dict[str, float]:
    """Sleep for `seconds` (at most an hour)."""
    await asyncio.sleep(seconds)
    return {"slept": seconds}


@handler(
    "demo.fail",
    arguments_schema={
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "message": {"type": "string", "maxLength": 500},
            "permanent": {"type": "boolean"},
            "times": {"type": "integer", "minimum": 0},
        },
    },
)
def fail(
    context: AttemptContext,
    message: str = "This job fails on purpose.",
    permanent: bool = False,
    times: int | None = None,
) -> dict[str, int]:
    """Fail every attempt, or the first `times` of them."""
    if times is not None and context.attempt > times:
        return {"succeeded_on_attempt": context.attempt}
    if permanent:
        raise PermanentFailure(message)
    raise DemoFailure(message)
