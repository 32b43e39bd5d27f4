"""TaskFlow's real processes on the test servers, with short leases, for tests that kill them."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.db import OperationalError

from taskflow.embedded.child import Launch, spawn
from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import ROOT, Definition, Ports, definitions

SHORT = {
    "TASKFLOW_HEARTBEAT": "0.3",
    "TASKFLOW_WORKER_LEASE": "3",
    "TASKFLOW_QUEUE_LEASE": "4",
    "TASKFLOW_WATCH": "0.5",
    "TASKFLOW_DEADLINE_GRACE": "1",
    "TASKFLOW_BREAKER_PAUSE": "0.5",
    "TASKFLOW_BREAKER_LONGEST": "2",
    "TASKFLOW_HTTP_ALLOW_NETWORKS": "127.0.0.0/8",
}
BOUND = 60.0


def eventually(condition: Callable[[], object], what: str, *, within: float = BOUND) -> None:
    """Wait until the condition holds; fail with `what` when it does not within the bound.

    On a busy machine PostgreSQL may not be reached in time to tell: then it is asked again.
    """
    until = time.monotonic() + within
    while not _holds(condition):
        if time.monotonic() > until:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.05)


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except OperationalError:
        return False


class Stack:
    """Start, kill and stop TaskFlow's processes by the names of the process table."""

    def __init__(self, database_url: str, redis_url: str, folder: Path, **environment: str) -> None:
        self.ports = Ports(api=free_port(), flower=free_port(), echo=free_port())
        self.echo_url = f"http://127.0.0.1:{self.ports.echo}"
        self.api_url = f"http://127.0.0.1:{self.ports.api}"
        self._table = {d.name: d for d in definitions(self.ports, flower_login="a:b")}
        self._environment = {
            **os.environ,
            **SHORT,
            "TASKFLOW_DATABASE_URL": database_url,
            "TASKFLOW_REDIS_URL": redis_url,
            **environment,
        }
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start processes; one that runs already gets a twin under `name#2`."""
        for name in names:
            definition: Definition = self._table[name.split("#")[0]]
            command = Launch(
                argv=definition.argv(),
                env={**self._environment, **definition.environment, "TASKFLOW_PROCESS": name},
                cwd=ROOT,
            )
            log = (self._folder / f"{name}.log").open("ab")
            self._processes[name] = spawn(command, log)
            log.close()

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL the process and its children, and wait until it is gone."""
        process = self._processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def terminate(self, name: str) -> int:
        """SIGTERM the process, wait for its end, return its exit status."""
        process = self._processes.pop(name)
        process.terminate()
        return process.wait(30)

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        for name in list(self._processes):
            self.kill(name)


@contextlib.contextmanager
def running_stack(
    database_url: str, redis_url: str, folder: Path, *names: str, **environment: str
) -> Iterator[Stack]:
    """Run the named processes for the length of the block; none is left afterwards."""
    stack = Stack(database_url, redis_url, folder, **environment)
    try:
        stack.start(*names)
        yield stack
    finally:
        stack.close()
