"""The vocabulary of job kinds: what a kind is, and how a payload is found wanting."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from jobs.backoff import Backoff
from jobs.handlers.context import AttemptContext
from jobs.outcomes import Attempt, Outcome

ASYNC = "async"
PROCESS = "process"
COMMAND = "command"
# Also the kind's name: what a lane's workers finish now and then, to show that they do.
CANARY = "canary"
LANES = (ASYNC, PROCESS, COMMAND)

Run = Callable[[Attempt, AttemptContext], Awaitable[Outcome]]
RunInProcess = Callable[[Attempt, AttemptContext], Outcome]


@dataclass(frozen=True)
class PayloadProblem:
    """One fault of a payload: a JSON pointer (RFC 6901) below the payload, and a sentence."""

    pointer: str
    message: str


class InvalidPayload(ValueError):
    """The payload does not fit its kind; `problems` names every fault."""

    def __init__(self, problems: tuple[PayloadProblem, ...]) -> None:
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.message}" for p in problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Retries:
    """What holds for a job that names no `max_attempts` or `backoff`; None: the platform's default."""

    max_attempts: int | None = None
    backoff: Backoff | None = None


async def nothing_to_close() -> None:
    """Close nothing: what a kind without connections does at the end of a loop."""


def everybody(_payload: Any, _merchant_id: UUID) -> None:
    """Refuse nobody: what a kind does that has nothing of its own for some merchants only."""


def no_own_limit(_payload: dict[str, Any]) -> float | None:
    """Answer that the kind adds no time limit to the job's own."""
    return None


def no_own_retries(_payload: dict[str, Any]) -> Retries:
    """Answer that the kind has no wishes."""
    return Retries()


def none_at_most_once() -> Sequence[str]:
    """Answer that every handler of the kind may run twice."""
    return ()


def none_known_beforehand(_merchant_id: UUID | None) -> Iterable[str]:
    """Answer that nobody lists the kind's handlers."""
    return ()


def calls_no_host(_name: str) -> str | None:
    """Answer that the kind's jobs call no host."""
    return None


def no_own_bounds() -> Mapping[str, int]:
    """Answer that any number of each handler's attempts may go at once."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A job kind.

    `validate` raises InvalidPayload; so does `admit`, for what another merchant may do with the same
    payload, of whatever form that is. `lane` answers the lane for a payload, `handler` the name
    under which run times are measured, jobs are filtered and flow rules apply: a function, a command,
    or whom the job calls ('' when it is not known).
    `time_limit` answers a limit in seconds that the kind sets below the job's own timeout, None
    when it sets none; `retries` what holds for jobs that name no retry policy. `at_most_once` answers
    the handlers that must not run twice, `most_active` how many attempts of which handlers may be in
    workers' hands at once. `handlers` answers those that a merchant's jobs may name (None: anybody's),
    as far as they are known beforehand, `host` under which handler jobs that call the host of that name
    are found, None when none may. `run` serves the async and the command lane and keeps the
    attempt's time limit itself;
    `run_in_process` serves the process lane, where the executor keeps it. `close` gives back what
    the running event loop holds. A `platform_only` kind is the platform's own: no page or list offers it,
    and `admit` refuses it to merchants.
    """

    name: str
    validate: Callable[[Any], None]
    lane: Callable[[dict[str, Any]], str]
    handler: Callable[[dict[str, Any]], str]
    admit: Callable[[Any, UUID], None] = everybody
    time_limit: Callable[[dict[str, Any]], float | None] = no_own_limit
    retries: Callable[[dict[str, Any]], Retries] = no_own_retries
    at_most_once: Callable[[], Sequence[str]] = none_at_most_once
    most_active: Callable[[], Mapping[str, int]] = no_own_bounds
    handlers: Callable[[UUID | None], Iterable[str]] = none_known_beforehand
    host: Callable[[str], str | None] = calls_no_host
    run: Run | None = None
    run_in_process: RunInProcess | None = None
    close: Callable[[], Awaitable[None]] = nothing_to_close
    platform_only: bool = False
