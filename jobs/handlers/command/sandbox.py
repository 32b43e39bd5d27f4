"""Runs one program in a sandbox: confined before its first instruction, killed whole.

bubblewrap builds the sandbox, prlimit takes on the limits inside it and becomes the program.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jobs.handlers.command.bubblewrap import NOBODY, Tools
from jobs.handlers.command.capture import Capture
from jobs.handlers.command.limits import Limits, prlimit_words
from jobs.handlers.command.pipes import Pipes
from jobs.handlers.text import storable

# How long bubblewrap may take to build a sandbox, in seconds; a few milliseconds are usual.
_BUILD: Final = 10.0


class SandboxFailed(RuntimeError):
    """The sandbox could not be built or entered: the program did not run."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a run ended. `exit_code` is None when it was killed; above 128 it is 128 + a signal."""

    exit_code: int | None
    stdout: Capture
    stderr: Capture
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to run, and in which sandbox. `output_limit` is bytes, of each stream."""

    tools: Tools
    options: Sequence[str]
    argv: Sequence[str]
    limits: Limits
    output_limit: int


async def run_sandboxed(order: Order, *, seconds: float) -> Finished:
    """Run the program for at most `seconds`; afterwards none of its processes is left.

    Raises SandboxFailed. Cancellation passes through, after everything was killed.
    """
    run = _Run(order)
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            await run.start()
            await run.end()
    except TimeoutError:
        if not limit.expired():
            raise
    finally:
        await run.kill()
    return run.finished()


class _Run:
    """One sandbox from its start to its last process."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._started = time.monotonic()
        self._stdout = Capture(order.output_limit)
        self._stderr = Capture(order.output_limit)
        self._process: asyncio.subprocess.Process | None = None
        self._first: int | None = None  # a pidfd of the sandbox's own process 1
        self._exit_code: int | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._reports: asyncio.BaseTransport | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the sandbox and learn which process is its first. Raises SandboxFailed."""
        # Not given up half-way: until that process is known, there is none to kill.
        self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)

    async def end(self) -> None:
        """Wait for the program's end and for the last of its output."""
        assert self._process is not None
        async for line in self._status:
            self._exit_code = _integer(line, "exit-code", self._exit_code)
        await self._process.wait()
        self._kill_now()
        # Not gather: our time limit would cancel what still reads.
        await asyncio.wait(self._readers)
        if self._exit_code is None:
            raise SandboxFailed(self._complaint())

    async def kill(self) -> None:
        """Kill whatever is left, and wait until it is gone."""
        # Shielded: who gives up waiting does not keep anything alive.
        self._ending = asyncio.create_task(self._gone())
        await asyncio.shield(self._ending)

    def finished(self) -> Finished:
        """Return how it ended."""
        return Finished(
            exit_code=self._exit_code,
            stdout=self._stdout,
            stderr=self._stderr,
            seconds=time.monotonic() - self._started,
        )

    async def _start(self) -> None:
        with Pipes(self._order.options, self._order.tools.seccomp) as pipes:
            self._process = process = await self._spawn(pipes)
            pipes.close_theirs()
            assert process.stdout is not None
            assert process.stderr is not None
            self._readers = [
                asyncio.create_task(self._stdout.drain(process.stdout)),
                asyncio.create_task(self._stderr.drain(process.stderr)),
            ]
            self._status, self._reports = await pipes.status_stream()
            pid = await self._child_pid()
            # bubblewrap has not been waited for, so the number is still its child's.
            self._first = os.pidfd_open(pid)
            pipes.release()

    async def _spawn(self, pipes: Pipes) -> asyncio.subprocess.Process:
        # Root's processes escape the limit on their number, so root hands over to nobody.
        nobody = os.geteuid() == 0
        try:
            return await asyncio.create_subprocess_exec(
                self._order.tools.bubblewrap,
                *pipes.options,
                "--",
                self._order.tools.prlimit,
                *prlimit_words(self._order.limits),
                "--",
                *self._order.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=pipes.theirs,
                # Also bubblewrap's own: its process 1 is seen by the program, in /proc.
                env={},
                cwd="/",
                start_new_session=True,
                user=NOBODY if nobody else None,
                group=NOBODY if nobody else None,
                extra_groups=[] if nobody else None,
            )
        except (OSError, ValueError) as error:
            raise SandboxFailed(f"bubblewrap cannot be started ({error}).") from error

    async def _child_pid(self) -> int:
        try:
            async with asyncio.timeout(_BUILD):
                line = await self._status.readline()
        except TimeoutError:
            raise SandboxFailed(f"bubblewrap did not build it within {_BUILD:g} s.") from None
        pid = _integer(line, "child-pid", None)
        if pid is None:
            await asyncio.wait(self._readers, timeout=1)
            raise SandboxFailed(self._complaint())
        return pid

    def _complaint(self) -> str:
        said = storable(self._stderr.text().strip(), 300)
        return f"bubblewrap refused: {said or 'it said nothing'}"

    def _kill_now(self) -> None:
        """SIGKILL the sandbox's process 1, which takes all others and bubblewrap along; where none
        was made known, bubblewrap's group, which still holds the program back."""
        with contextlib.suppress(ProcessLookupError):
            if self._first is not None:
                # Never only the group: process 1 has left it, and bubblewrap asks to die with its
                # parent a moment after it was made.
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            elif self._process is not None and self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _gone(self) -> None:
        if self._starting is not None:
            await asyncio.wait([self._starting])
            self._starting.exception()  # raised to whoever waited for the start
        if self._process is None:
            return
        self._kill_now()
        await self._process.wait()
        if self._first is not None:
            # Readable once process 1 has ended, which the kernel lets it only after all others.
            await _readable(self._first)
            os.close(self._first)
            self._first = None
        if self._readers:
            await asyncio.wait(self._readers)  # nobody holds the other ends any more
        if self._reports is not None:
            self._reports.close()


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _integer(line: bytes, name: str, default: int | None) -> int | None:
    """Return a number out of one line of bubblewrap's status."""
    try:
        value = json.loads(line).get(name, default)
    except (ValueError, AttributeError):
        return default
    return value if isinstance(value, int) else default
