"""Whether this machine's installation runs commands: some are allowed, and the sandbox holds."""

import asyncio
from pathlib import Path

from jobs.handlers.command.allow_list import InvalidAllowList, read_allow_list
from jobs.handlers.command.probe import SandboxUnavailable, tried_tools
from taskflow.env import Environment
from taskflow.supervisor.console import Console

VARIABLE = "TASKFLOW_COMMANDS"


def usable_commands(environment: Environment, console: Console) -> str:
    """Return the allow-list's absolute path; "" when there is none, or no sandbox, which is said.

    Raises ConfigurationError for a list that cannot be used.
    """
    named = environment.text(VARIABLE)
    if not named:
        return ""
    path = str(Path(named).absolute())
    try:
        asyncio.run(tried_tools(read_allow_list(path)))
    except InvalidAllowList as error:
        environment.problems.append(f"{VARIABLE}: {error}")
    except SandboxUnavailable as error:
        # Off for every process, so that jobs are refused at once instead of waiting for a worker.
        console.say(f"Command jobs stay switched off. {error}")
        return ""
    environment.raise_problems()
    return path
