"""A peer's worker processes: started together, ended together."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.memory import family

# Ends a worker when this process is killed. Run as a script: it imports nothing of TaskFlow.
LAUNCHER = Path(__file__).parents[2] / "taskflow" / "embedded" / "launch.py"
PATIENCE = 10.0  # seconds that workers get to end by themselves


class WorkerEnded(Exception):
    """A worker process ended before its time; the message has the end of its log."""


class Workers:
    """Worker processes that run."""

    def __init__(self, started: Sequence[subprocess.Popen[bytes]], log: Path) -> None:
        self._started = started
        self._log = log

    @property
    def pids(self) -> list[int]:
        return [one.pid for one in self._started]

    def check(self) -> None:
        """Raise WorkerEnded if one has."""
        for one in self._started:
            if one.poll() is not None:
                text = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise WorkerEnded(f"a worker ended with {one.returncode}:\n{text}")


@contextlib.contextmanager
def workers(commands: Sequence[list[str]], log: Path) -> Iterator[Workers]:
    """Run the commands in this process's group; afterwards nothing of them is left."""
    with log.open("ab") as output:
        started = [
            subprocess.Popen(
                [*_bound(), *argv], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            for argv in commands
        ]
    try:
        yield Workers(started, log)
    finally:
        everybody = [pid for one in started for pid in family(one.pid)]
        for one in started:
            one.terminate()
        _await(started)
        for pid in everybody:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for one in started:
            one.wait()


def _bound() -> list[str]:
    number = str(int(signal.SIGKILL))
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), number, "-", "-"]


def _await(started: Sequence[subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + PATIENCE
    while any(one.poll() is None for one in started) and time.monotonic() < until:
        time.sleep(0.05)
