"""The job kind `python`: a registered function, in the async or in the process lane."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn
from uuid import UUID

from django.conf import settings

from jobs.handlers.context import AttemptContext, AttemptTimedOut
from jobs.handlers.kinds import PROCESS, InvalidPayload, Kind, PayloadProblem, Retries
from jobs.handlers.python_functions import PythonHandler
from jobs.handlers.python_plugins import known_handlers
from jobs.handlers.python_results import failed, raised, returned, timed_out
from jobs.handlers.schemas import PayloadSchema, pointer
from jobs.handlers.text import shown
from jobs.outcomes import Attempt, Outcome, Result

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["handler"],
    "additionalProperties": False,
    "properties": {
        "handler": {"type": "string", "minLength": 1, "maxLength": 100},
        "arguments": {"type": "object"},
    },
}
_COMPILED = PayloadSchema(SCHEMA)


def validate(payload: Any) -> None:
    """Raise InvalidPayload unless the handler exists and takes the arguments."""
    _COMPILED.check(payload)
    known = known_handlers()
    chosen = known.get(payload["handler"])
    if chosen is None:
        names = ", ".join(sorted(known))
        _refuse("/handler", f'is not a known handler ("{shown(payload["handler"])}"); use {names}.')
    arguments = payload.get("arguments", {})
    if chosen.schema is not None:
        chosen.schema.check(arguments, "/arguments")
    _check_signature(chosen, arguments)


def lane(payload: dict[str, Any]) -> str:
    """Return the handler's lane; the process lane for a handler that this process lacks."""
    chosen = known_handlers().get(payload["handler"])
    return chosen.lane if chosen else PROCESS


def handler(payload: dict[str, Any]) -> str:
    """Return the handler's name."""
    return str(payload["handler"])


def time_limit(payload: dict[str, Any]) -> float | None:
    """Return the handler's own limit in seconds, None when it has none."""
    chosen = known_handlers().get(payload["handler"])
    return chosen.timeout if chosen else None


def retries(payload: dict[str, Any]) -> Retries:
    """Return the handler's own retry policy."""
    chosen = known_handlers().get(payload["handler"])
    if chosen is None:
        return Retries()
    return Retries(max_attempts=chosen.max_attempts, backoff=chosen.backoff)


def at_most_once() -> list[str]:
    """Return the names of the handlers that are not idempotent."""
    return [name for name, known in known_handlers().items() if not known.idempotent]


def most_active() -> dict[str, int]:
    """Return how many attempts may be in workers' hands at once, of handlers that bound it."""
    return {
        name: known.max_concurrency
        for name, known in known_handlers().items()
        if known.max_concurrency is not None
    }


def handlers(_merchant_id: UUID | None) -> list[str]:
    """Return the names of the registered functions, which anybody may call."""
    return list(known_handlers())


async def run(attempt: Attempt, context: AttemptContext) -> Outcome:
    """Run the handler on this event loop, a plain function in a thread beside it.

    Ends at the attempt's or the handler's limit, whichever is earlier. A thread cannot be ended:
    its function goes on until it looks at `context.cancelled()`, but its result no longer counts.
    """
    chosen = known_handlers().get(attempt.handler)
    if chosen is None:
        return _unknown(attempt)
    seconds = _seconds(chosen, attempt)
    context.limit_to(seconds)
    context.begin()
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            value = await _called(chosen, attempt, context)
    except asyncio.CancelledError as error:
        context.ask_to_stop()
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return raised(error)  # the handler's own, not ours
    except (Exception, SystemExit) as error:  # noqa: BLE001
        # A handler may raise anything; SystemExit would take the whole worker down.
        if limit.expired():
            context.ask_to_stop()
            return timed_out(seconds)
        return raised(error)
    return returned(value, settings.TASKFLOW_ENGINE.output_limit)


def run_in_process(attempt: Attempt, context: AttemptContext) -> Outcome:
    """Run the handler in this process; a coroutine gets an event loop of its own.

    The executor keeps the time limit, by raising AttemptTimedOut here or by ending the process.
    """
    chosen = known_handlers().get(attempt.handler)
    if chosen is None:
        return _unknown(attempt)
    seconds = _seconds(chosen, attempt)
    context.limit_to(seconds)
    context.begin()
    arguments = attempt.payload.get("arguments", {})
    try:
        value = chosen.function(context, **arguments)
        if chosen.is_coroutine:
            value = asyncio.run(value)
    except AttemptTimedOut:
        return timed_out(seconds)
    except (Exception, SystemExit) as error:  # noqa: BLE001
        # A handler may raise anything; SystemExit would take the whole worker down.
        return raised(error)
    return returned(value, settings.TASKFLOW_ENGINE.output_limit)


async def _called(chosen: PythonHandler, attempt: Attempt, context: AttemptContext) -> Any:
    arguments = attempt.payload.get("arguments", {})
    if chosen.is_coroutine:
        return await chosen.function(context, **arguments)
    call = partial(contextvars.copy_context().run, chosen.function, context, **arguments)
    return await _in_thread(call)


async def _in_thread(call: Callable[[], Any]) -> Any:
    """Run a plain function in a thread of its own, as many as the lane has places.

    A daemon thread, not a pool's: a pool is joined at exit, so a sleeping function would hold up a
    worker that has long handed its job back.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if result.done():
            return
        if error is None:
            result.set_result(value)
        else:
            result.set_exception(error)

    def work() -> None:
        value, failure = None, None
        try:
            value = call()
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the result
            # A future refuses StopIteration, which would end its waiter silently.
            failure = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, value, failure)

    threading.Thread(target=work, name="handler", daemon=True).start()
    return await result


def _seconds(chosen: PythonHandler, attempt: Attempt) -> float:
    return min(attempt.timeout, chosen.timeout or attempt.timeout)


def _unknown(attempt: Attempt) -> Outcome:
    # Not rejected: during a deployment some workers know a handler earlier than others.
    message = f'This worker knows no handler "{shown(attempt.handler)}"; install its plugin.'
    return replace(failed(Result.FAILED, "unknown_handler", message), began=False)


def _check_signature(chosen: PythonHandler, arguments: dict[str, Any]) -> None:
    try:
        chosen.signature.bind(None, **arguments)
    except TypeError as error:
        name = shown(str(error), 200)
        _refuse(pointer("/arguments"), f"do not fit {chosen.name}{chosen.signature}: {name}.")


def _refuse(at: str, message: str) -> NoReturn:
    raise InvalidPayload((PayloadProblem(at, message),))


KIND = Kind(
    name="python",
    validate=validate,
    lane=lane,
    handler=handler,
    time_limit=time_limit,
    retries=retries,
    at_most_once=at_most_once,
    most_active=most_active,
    handlers=handlers,
    run=run,
    run_in_process=run_in_process,
)
