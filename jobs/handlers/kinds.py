"""The vocabulary of job kinds: what a kind is, and how a payload is found wanting."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from jobs.handlers.context import AttemptContext
from jobs.outcomes import Attempt, Outcome

ASYNC = "async"
PROCESS = "process"
COMMAND = "command"
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


async def nothing_to_close() -> None:
    """Close nothing: what a kind without connections does at the end of a loop."""


def no_own_limit(_payload: dict[str, Any]) -> float | None:
    """Answer that the kind adds no time limit to the job's own."""
    return None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A job kind.

    `validate` raises InvalidPayload. `lane` answers the lane for a payload, `handler` the name
    under which run times are measured and jobs are filtered ('' when the kind has only one).
    `time_limit` answers a limit in seconds that the kind sets below the job's own timeout, None
    when it sets none. `run` serves the async and the command lane and keeps the attempt's time limit itself;
    `run_in_process` serves the process lane, where the executor keeps it. `close` gives back what
    the running event loop holds.
    """

    name: str
    validate: Callable[[Any], None]
    lane: Callable[[dict[str, Any]], str]
    handler: Callable[[dict[str, Any]], str]
    time_limit: Callable[[dict[str, Any]], float | None] = no_own_limit
    run: Run | None = None
    run_in_process: RunInProcess | None = None
    close: Callable[[], Awaitable[None]] = nothing_to_close
