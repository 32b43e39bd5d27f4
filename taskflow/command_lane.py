"""The command lane of a worker: only where commands are allowed, and the sandbox was tried."""

import asyncio

from django.conf import settings

from jobs.engine import Engine
from jobs.executor.async_lane import AsyncLane
from jobs.handlers.command.kind import RUNNER
from jobs.handlers.command.probe import SandboxUnavailable
from jobs.handlers.registry import COMMAND


class NoCommands(SystemExit):
    """This worker must not serve the command lane."""


def command_lane(engine: Engine) -> AsyncLane:
    """Return the lane, not started yet. Raises NoCommands rather than run anything unconfined."""
    if not settings.TASKFLOW_ALLOWED_COMMANDS.is_on:
        raise NoCommands(
            "Command jobs are switched off: name the file of allowed commands in TASKFLOW_COMMANDS."
        )
    try:
        asyncio.run(RUNNER.open())
    except SandboxUnavailable as error:
        raise NoCommands(str(error)) from error
    return AsyncLane(engine, lane=COMMAND, capacity=engine.command_capacity)
