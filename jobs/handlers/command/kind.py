"""The job kind `command`: one of the operator's programs, in a sandbox, in a lane of its own."""

from typing import Any
from uuid import UUID

from django.conf import settings

from jobs.handlers.command import outcomes
from jobs.handlers.command.allow_list import AllowList
from jobs.handlers.command.bubblewrap import Tools, sandbox_options
from jobs.handlers.command.payload import Call, parse_payload
from jobs.handlers.command.probe import tried_tools
from jobs.handlers.command.sandbox import Order, SandboxFailed, run_sandboxed
from jobs.handlers.context import AttemptContext
from jobs.handlers.kinds import COMMAND, InvalidPayload, Kind
from jobs.outcomes import Attempt, Outcome


class CommandRunner:
    """Validates anywhere; runs only in a process in which `open` has tried the sandbox."""

    def __init__(self) -> None:
        self._tools: Tools | None = None

    async def open(self) -> None:
        """Try the sandbox and be ready to run. Raises SandboxUnavailable."""
        self._tools = None
        self._tools = await tried_tools(_allowed())

    def validate(self, payload: Any) -> None:
        """Raise InvalidPayload for a payload that no worker would run."""
        parse_payload(payload, _allowed())

    async def run(self, attempt: Attempt, context: AttemptContext) -> Outcome:
        """Run the command within the attempt's and its own time limit.

        Cancellation passes through; nothing of the command is left then.
        """
        if self._tools is None:
            return outcomes.unavailable("This worker has no sandbox, so it runs no commands.")
        try:
            call = parse_payload(attempt.payload, _allowed())
        except InvalidPayload as error:
            return outcomes.refused("invalid_payload", f"The command cannot run: {error}")
        if not call.command.allows(attempt.merchant_id):
            return outcomes.refused(
                "command_not_allowed", "The operator does not allow this command to this merchant."
            )
        seconds = min(attempt.timeout, call.command.timeout or attempt.timeout)
        context.limit_to(seconds)
        limit = settings.TASKFLOW_ENGINE.output_limit
        order = _order(self._tools, call, attempt, limit)
        try:
            finished = await run_sandboxed(order, seconds=seconds)
        except SandboxFailed as error:
            return outcomes.unavailable(str(error))
        return outcomes.ended(finished, call.command, seconds=seconds, output_limit=limit)


def time_limit(payload: dict[str, Any]) -> float | None:
    """Return the command's own limit in seconds, None when it has none."""
    command = _allowed().commands.get(payload["command"])
    return command.timeout if command else None


def _order(tools: Tools, call: Call, attempt: Attempt, output_limit: int) -> Order:
    about = {"TASKFLOW_JOB_ID": str(attempt.job_id), "TASKFLOW_ATTEMPT": str(attempt.number)}
    return Order(
        tools=tools,
        options=sandbox_options(call.command, about),
        argv=call.argv,
        limits=call.command.limits,
        output_limit=(output_limit - outcomes.ROOM) // 2,
    )


def _allowed() -> AllowList:
    allowed: AllowList = settings.TASKFLOW_ALLOWED_COMMANDS
    return allowed


def _command_lane(_payload: dict[str, Any]) -> str:
    return COMMAND


def _name(payload: dict[str, Any]) -> str:
    return str(payload["command"])


def _names(merchant_id: UUID | None) -> list[str]:
    return [
        name
        for name, command in _allowed().commands.items()
        if merchant_id is None or command.allows(merchant_id)
    ]


RUNNER = CommandRunner()
KIND = Kind(
    name="command",
    validate=RUNNER.validate,
    lane=_command_lane,
    handler=_name,
    time_limit=time_limit,
    handlers=_names,
    run=RUNNER.run,
)
