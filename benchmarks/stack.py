"""Servers and processes for a benchmark: a durable PostgreSQL, a Valkey, TaskFlow's own processes."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from taskflow.embedded.child import Launch, spawn, stop
from taskflow.supervisor.processes import ROOT
from tests.servers import running_postgres, running_valkey, temporary_home


@dataclass(frozen=True)
class Servers:
    """A fresh PostgreSQL with its durability as in production, and a fresh Valkey."""

    database_url: str
    redis_url: str
    home: Path


@contextlib.contextmanager
def servers(settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Servers]:
    """Run both servers in a temporary folder, PostgreSQL with `settings` beside its usual ones."""
    with (
        temporary_home() as home,
        running_postgres(home, settings=settings) as database_url,
        running_valkey(home) as redis_url,
    ):
        yield Servers(database_url, redis_url, home)


@contextlib.contextmanager
def process(
    argv: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one process in a group of its own; it is ended with the block."""
    launch = Launch(argv=argv, env={**os.environ, **environment}, cwd=ROOT)
    with log.open("ab") as output:
        child = spawn(launch, output)
    try:
        yield child
    finally:
        stop(child, launch.stop_signal, seconds=20)


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a management command and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def wait_for(condition: Callable[[], bool], *, every: float = 0.02, within: float = 300) -> None:
    """Poll until the condition holds. Raises TimeoutError."""
    until = time.monotonic() + within
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {within} s")
        time.sleep(every)
