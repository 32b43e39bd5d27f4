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
    process = subprocess.Popen(  # noqa: S603 - no shell, our own words
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


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the process has ended, without reaping it where the system allows that.

    Until it is reaped, nobody else can get its number, so its group can still be signalled.
    """
    if process.returncode is not None:
        return True
    if sys.platform == "darwin":
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def wait_until(
    answers: Callable[[], bool], process: subprocess.Popen[bytes], *, name: str, seconds: float
) -> None:
    """Return once `answers()` is true.

    Raises CannotStart when the process ends before, or after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not answers():
        if has_ended(process):
            raise CannotStart(f"{name} ended at once.")
        if time.monotonic() > deadline:
            raise CannotStart(f"{name} did not answer within {seconds:g} s.")
        time.sleep(POLL_SECONDS)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the process at once with everything in its group, and reap it."""
    # Once reaped, its number may be another's: signal nobody then.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def stop(process: subprocess.Popen[bytes], number: signal.Signals, *, seconds: float) -> None:
    """Ask the process to end, wait up to `seconds`, then kill its group."""
    if not has_ended(process):
        process.send_signal(number)
    deadline = time.monotonic() + seconds
    while not has_ended(process) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    # Also after an orderly end: a descendant may have outlived the process.
    kill_group(process)
