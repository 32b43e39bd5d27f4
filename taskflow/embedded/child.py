"""Child processes in groups of their own that end with their parent, even when that is killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from taskflow.embedded.account import Account
from taskflow.embedded.errors import CannotStart

LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start one process.

    `stdin` is written to the process and closed, for what must not appear in its arguments.
    `stop_signal` asks it to end; `death_signal` reaches it when the parent is gone (Linux only).
    """

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict, repr=False)
    stdin: str = field(default="", repr=False)
    cwd: Path = Path("/")
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL


def spawn(
    launch: Launch, output: int | IO[bytes], errors: int | IO[bytes] = subprocess.STDOUT
) -> subprocess.Popen[bytes]:
    """Start the process with stdout going to `output` and stderr to `errors` (to stdout unset).

    Call it from the main thread: Linux takes the end of the *thread* that forked for the parent's.
    """
    account = launch.account
    ids = [str(account.uid), str(account.gid)] if account else ["-", "-"]
    prefix = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
    process = subprocess.Popen(
        [*prefix, str(int(launch.death_signal)), *ids, *launch.argv],
        env=launch.env or None,
        cwd=launch.cwd,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=errors,
        process_group=0,
    )
    assert process.stdin is not None
    # A program that ended at once does not read; its exit status tells more than this error.
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(launch.stdin.encode())
    return process


def wait_until(
    answers: Callable[[], bool], process: subprocess.Popen[bytes], *, name: str, seconds: float
) -> None:
    """Return once `answers()` is true.

    Raises CannotStart when the process ends before, or after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not answers():
        if process.poll() is not None:
            raise CannotStart(f"{name} ended at once with status {process.returncode}.")
        if time.monotonic() > deadline:
            raise CannotStart(f"{name} did not answer within {seconds:g} s.")
        time.sleep(POLL_SECONDS)


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send the signal to the process and its descendants that stayed in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def stop(process: subprocess.Popen[bytes], number: signal.Signals, *, seconds: float) -> None:
    """Ask the process to end, wait up to `seconds`, then kill its group."""
    if process.poll() is None:
        process.send_signal(number)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    # Also after an orderly end: a descendant may have outlived the process.
    signal_group(process, signal.SIGKILL)
    process.wait()
