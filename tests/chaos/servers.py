"""PostgreSQL and Valkey that can be stopped, crashed and started again on the same ports."""

import contextlib
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from taskflow.embedded.account import server_account
from taskflow.embedded.binaries import locate
from taskflow.embedded.child import spawn, stop, wait_until
from taskflow.embedded.placement import place
from taskflow.embedded.ports import free_port
from taskflow.embedded.postgres import Postgres
from taskflow.embedded.valkey import Valkey

START_SECONDS = 60
STOP_SECONDS = 15
# Few enough that exhausting them does not take long; many enough for everybody.
MAX_CONNECTIONS = "110"


class Restartable:
    """One embedded server. Its process belongs to the thread that starts it: use the main thread."""

    def __init__(self, name: str, server: Postgres | Valkey, log: Path) -> None:
        self.name = name
        self.server = server
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.server.prepare()
        with self._log.open("ab") as output:
            self._process = spawn(self.server.launch(), output)
        wait_until(self.server.answers, self._process, name=self.name, seconds=START_SECONDS)

    def stop(self, number: signal.Signals | None = None) -> None:
        """End it, in its own orderly way unless told a signal, and wait until it is gone."""
        if self._process is not None:
            chosen = number or self.server.launch().stop_signal
            stop(self._process, chosen, seconds=STOP_SECONDS)
            self._process = None

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to the server's main process; False when there is none."""
        if self._process is None:
            return False
        os.kill(self._process.pid, number)
        return True

    @property
    def runs(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._process is not None


@contextlib.contextmanager
def restartable_postgres(home: Path) -> Iterator[Restartable]:
    """Run PostgreSQL, durable as in production."""
    account = server_account()
    server = Postgres(
        folder=place(home, account).folder,
        port=free_port(),
        password=secrets.token_urlsafe(16),
        binaries=locate(account),
        account=account,
        settings={"max_connections": MAX_CONNECTIONS},
    )
    with _running(Restartable("PostgreSQL", server, home / "postgres.log")) as running:
        yield running


@contextlib.contextmanager
def restartable_valkey(home: Path) -> Iterator[Restartable]:
    """Run Valkey."""
    account = server_account()
    server = Valkey(
        port=free_port(),
        password=secrets.token_urlsafe(16),
        binaries=locate(account),
        account=account,
    )
    with _running(Restartable("Valkey", server, home / "valkey.log")) as running:
        yield running


@contextlib.contextmanager
def _running(server: Restartable) -> Iterator[Restartable]:
    try:
        server.start()
        yield server
    finally:
        server.stop()
