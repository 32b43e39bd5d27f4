"""The public side of the job kind `python`: how a function becomes a handler.

    from jobs.handlers.python_functions import Backoff, PermanentFailure, handler

    @handler("billing.invoice", arguments_schema={...}, timeout=60, max_attempts=8,
             backoff=Backoff(base=10), idempotent=False)
    def invoice(context, *, order): ...

A package offers its handlers by an entry point of the group `taskflow.handlers` that names the
module to import. A handler is called as `function(context, **arguments)`; what it returns must be
JSON and is kept with the attempt.
"""

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from jobs.backoff import MAX_DELAY, STRATEGIES, Backoff
from jobs.handlers.kinds import ASYNC, PROCESS
from jobs.handlers.schemas import InvalidSchema, PayloadSchema

__all__ = [
    "Backoff",
    "InvalidHandler",
    "PermanentFailure",
    "PythonHandler",
    "RetryLater",
    "forget",
    "handler",
    "registered",
]

MAX_ATTEMPTS = 100
MAX_FACTOR = 100
MAX_RETRY_LATER = 24 * 3600.0  # seconds

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\Z")
_F = TypeVar("_F", bound=Callable[..., Any])


class InvalidHandler(ValueError):
    """A handler is declared wrongly; the message names it and the remedy."""


class PermanentFailure(Exception):
    """Raised by a handler: no further attempt can mend this, the job is dead-lettered."""


class RetryLater(Exception):
    """Raised by a handler: fail this attempt, and start the next not before `seconds` from now.

    At most 24 hours; more is cut. Raises ValueError for what is no length of time.
    """

    def __init__(self, seconds: float, message: str = "") -> None:
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"RetryLater takes seconds from 0 up; got {seconds}")
        super().__init__(message or f"The handler asked to be tried again in {seconds:g} s.")
        self.seconds = min(float(seconds), MAX_RETRY_LATER)


@dataclass(frozen=True)
class PythonHandler:
    """A registered function."""

    name: str
    function: Callable[..., Any]
    schema: PayloadSchema | None
    lane: str
    timeout: float | None  # seconds, below the job's own
    is_coroutine: bool
    signature: inspect.Signature
    max_attempts: int | None = None  # of jobs that name none
    backoff: Backoff | None = None  # of jobs that name none
    idempotent: bool = True
    max_concurrency: int | None = None  # over all workers and merchants


_handlers: dict[str, PythonHandler] = {}


def handler(
    name: str,
    arguments_schema: dict[str, Any] | None = None,
    lane: str | None = None,
    timeout: float | None = None,
    max_attempts: int | None = None,
    backoff: Backoff | None = None,
    idempotent: bool = True,
    max_concurrency: int | None = None,
) -> Callable[[_F], _F]:
    """Register the decorated function under `name` (dotted, lower case).

    `arguments_schema` is a JSON Schema for the arguments; without one they are checked against the
    function's signature. `lane` is "async" (the default of coroutine functions) or "process" (of
    all others). `timeout` in seconds ends an attempt earlier than the job's own. `max_attempts` and
    `backoff` hold for jobs that name none. A handler that is not `idempotent` runs at most once: an
    attempt that may have happened (its worker was lost, it timed out, its worker shut down) is
    dead-lettered as `ambiguous`, one that raised as what it raised; only RetryLater, and an attempt
    that surely did not start, are repeated. `max_concurrency` bounds how many attempts are in
    workers' hands at once, over all of them and all merchants. Raises InvalidHandler.
    """

    def register(function: _F) -> _F:
        described = _described(name, function, arguments_schema, lane, timeout)
        _refuse_retries(name, max_attempts, backoff)
        if max_concurrency is not None and max_concurrency < 1:
            raise InvalidHandler(f'Handler "{name}": max_concurrency is 1 or more.')
        _add(
            replace(
                described,
                max_attempts=max_attempts,
                backoff=backoff,
                idempotent=idempotent,
                max_concurrency=max_concurrency,
            )
        )
        return function

    return register


def registered() -> dict[str, PythonHandler]:
    """Return the registered handlers by name: the live table, not to be changed."""
    return _handlers


def forget(names: set[str]) -> None:
    """Remove handlers: those of a plugin that failed half-way through its import."""
    for name in names:
        _handlers.pop(name, None)


def _described(
    name: str,
    function: Callable[..., Any],
    arguments_schema: dict[str, Any] | None,
    lane: str | None,
    timeout: float | None,
) -> PythonHandler:
    if not _NAME.match(name) or len(name) > 100:
        raise InvalidHandler(f'The handler name "{name:.100}" is not dotted lower case.')
    if lane is not None and lane not in (ASYNC, PROCESS):
        raise InvalidHandler(f'Handler "{name}": lane is "async" or "process", not "{lane}".')
    if timeout is not None and not (math.isfinite(timeout) and timeout > 0):
        raise InvalidHandler(f'Handler "{name}": timeout is a number of seconds above 0.')
    try:
        schema = PayloadSchema(arguments_schema) if arguments_schema is not None else None
    except InvalidSchema as error:
        raise InvalidHandler(f'Handler "{name}": {error}') from error
    is_coroutine = inspect.iscoroutinefunction(function)
    return PythonHandler(
        name=name,
        function=function,
        schema=schema,
        lane=lane or (ASYNC if is_coroutine else PROCESS),
        timeout=timeout,
        is_coroutine=is_coroutine,
        signature=inspect.signature(function),
    )


def _refuse_retries(name: str, max_attempts: int | None, backoff: Backoff | None) -> None:
    if max_attempts is not None and not 1 <= max_attempts <= MAX_ATTEMPTS:
        raise InvalidHandler(f'Handler "{name}": max_attempts is between 1 and {MAX_ATTEMPTS}.')
    if backoff is None:
        return
    sound = (
        backoff.strategy in STRATEGIES
        and 0.1 <= backoff.base <= backoff.cap <= MAX_DELAY
        and 1 <= backoff.factor <= MAX_FACTOR
        and 0 <= backoff.jitter <= 1
    )
    if not sound:
        raise InvalidHandler(
            f'Handler "{name}": backoff has a strategy of {", ".join(STRATEGIES)}, base and cap '
            f"from 0.1 to {MAX_DELAY:.0f} seconds (base no more than cap), a factor from 1 to "
            f"{MAX_FACTOR} and a jitter from 0 to 1."
        )


def _add(new: PythonHandler) -> None:
    old = _handlers.get(new.name)
    if old is not None and _origin(old) != _origin(new):
        raise InvalidHandler(
            f'The handler "{new.name}" is declared twice: by {_origin(old)} and {_origin(new)}.'
        )
    _handlers[new.name] = new


def _origin(known: PythonHandler) -> str:
    return f"{known.function.__module__}.{known.function.__qualname__}"
