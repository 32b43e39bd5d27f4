"""What the tests of commands share: an allow-list with small limits, and ways to look for leftovers."""

import asyncio
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from jobs.handlers.command.allow_list import AllowList, parse_allow_list
from jobs.handlers.command.bubblewrap import ToolMissing, find_tools
from jobs.handlers.command.kind import CommandRunner
from jobs.handlers.context import AttemptContext
from jobs.outcomes import Outcome
from tests.handlers_kit import make_attempt

MIB = 1024 * 1024
# Far below what this machine can bear, so that a limit that fails does no harm.
SMALL = {
    "cpu_seconds": 5,
    "memory_bytes": 128 * MIB,
    "processes": 16,
    "file_bytes": 1 * MIB,
    "open_files": 32,
    "temporary_bytes": 2 * MIB,
}
PATIENCE = 20.0


def missing() -> str:
    """Return what to install for a sandbox, "" when everything is there."""
    try:
        find_tools("")
    except ToolMissing as error:
        return f"no sandbox: {error}"
    return ""


# Only for what is not installed: a sandbox that does not hold must fail, not skip.
needs_sandbox = pytest.mark.skipif(bool(missing()), reason=missing())


def shell(**changes: Any) -> dict[str, Any]:
    """Return the definition of a command that runs its parameter as a script. Only tests have one."""
    return {
        "argv": ["/bin/sh", "-c", "{script}"],
        "parameters": {"script": {"type": "string"}},
        "merchants": "all",
        "limits": SMALL,
        **changes,
    }


def allowing(**commands: dict[str, Any]) -> AllowList:
    """Return an allow-list of these definitions."""
    return parse_allow_list({"commands": commands})


@cache
def opened_runner() -> CommandRunner:
    """Return a runner whose sandbox was tried."""
    runner = CommandRunner()
    asyncio.run(runner.open())
    return runner


def run_command(
    command: str, *, timeout: float = PATIENCE, merchant: Any = None, **arguments: Any
) -> Outcome:
    """Run one attempt as a worker does."""
    changes = {} if merchant is None else {"merchant_id": merchant}
    payload = {"command": command, "arguments": arguments}
    attempt = make_attempt(payload, kind="command", handler=command, timeout=timeout, **changes)
    return asyncio.run(opened_runner().run(attempt, AttemptContext(attempt)))


def run_script(script: str, *, timeout: float = PATIENCE) -> Outcome:
    """Run a script by the command `shell`."""
    return run_command("shell", timeout=timeout, script=script)


def written(outcome: Outcome) -> str:
    """Return what the command wrote to stdout."""
    assert outcome.output is not None, outcome
    return str(outcome.output["stdout"])


def unique_word() -> str:
    """Return a word that no other process of this machine has among its arguments."""
    return f"taskflow-test-{uuid4().hex}"


def processes_with(word: str) -> list[int]:
    """Return the processes of this machine, sandboxed ones too, that have the word in an argument."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # ended meanwhile
            if word.encode() in line:
                found.append(int(entry.name))
    return found


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; fail with `what` when it does not."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)
