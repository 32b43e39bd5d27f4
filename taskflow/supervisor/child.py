"""One supervised process: its pipe, its lines, and when to start it again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import IO

from taskflow.embedded.child import Launch, has_ended, kill_group, spawn

READ_BYTES = 65_536
# Longer lines are shown in pieces, so that a process without newlines cannot fill the memory.
LINE_BYTES = 16_384
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
# A process that ran this long starts over with the shortest wait.
STEADY_SECONDS = 60.0


def nothing() -> None:
    """Prepare nothing."""


class Child:
    """Started, read from and stopped by the supervisor's one thread."""

    def __init__(self, name: str, launch: Launch, prepare: Callable[[], None] = nothing) -> None:
        self.name = name
        self.launch = launch
        self._prepare = prepare
        self._process: subprocess.Popen[bytes] | None = None
        self._pending = b""
        self._reader: int | None = None
        self._started = 0.0
        self._quick_ends = 0
        self.start_again_at: float | None = None

    def start(self, output: IO[bytes] | None = None) -> None:
        """Start the process. With `output`, its stdout goes there and only stderr is shown.

        Raises CannotStart when the preparation says so.
        """
        self._prepare()
        self.close()
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        self._reader = reader
        try:
            self._process = spawn(self.launch, output or writer, writer)
        finally:
            os.close(writer)
        self._started = time.monotonic()
        self.start_again_at = None

    @property
    def reader(self) -> int | None:
        """The end of the pipe to wait on; None when there is nothing more to read."""
        return self._reader

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "start() comes first"
        return self._process

    @property
    def alive(self) -> bool:
        return self._process is not None and not has_ended(self._process)

    def lines(self) -> list[str] | None:
        """Return the lines that have arrived; None when there is nothing to read. Never waits."""
        if self._reader is None:
            return None
        try:
            read = os.read(self._reader, READ_BYTES)
        except BlockingIOError:
            return None
        *whole, self._pending = (self._pending + read).split(b"\n")
        if self._pending and (not read or len(self._pending) > LINE_BYTES):
            whole.append(self._pending)
            self._pending = b""
        if not read:
            self.close()
        pieces = (
            line[start : start + LINE_BYTES]
            for line in whole
            for start in range(0, max(len(line), 1), LINE_BYTES)
        )
        return [piece.rstrip(b"\r").decode("utf-8", "replace") for piece in pieces]

    def plan_restart(self) -> float:
        """Note that the process has ended; return the seconds until it is to start again."""
        now = time.monotonic()
        if now - self._started >= STEADY_SECONDS:
            self._quick_ends = 0
        wait = BACKOFF_SECONDS[min(self._quick_ends, len(BACKOFF_SECONDS) - 1)]
        self._quick_ends += 1
        self.start_again_at = now + wait
        return wait

    def ask_to_stop(self) -> None:
        """Send the signal for an orderly end."""
        if self.alive:
            self.process.send_signal(self.launch.stop_signal)

    def kill_group(self) -> None:
        """End the process at once, with everything it started."""
        if self._process is not None:
            kill_group(self._process)

    def close(self) -> None:
        """Stop listening to the process."""
        if self._reader is not None:
            os.close(self._reader)
            self._reader = None
        self._pending = b""


def ending(process: subprocess.Popen[bytes]) -> str:
    """Say how a process ended."""
    status = process.returncode
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
