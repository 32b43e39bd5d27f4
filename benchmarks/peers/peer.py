"""What a benchmark asks of a queue, and where a peer finds the servers."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Work = Literal["noop", "post"]


@dataclass(frozen=True, kw_only=True)
class Slots:
    """How many jobs may run at once.

    `total` for whoever has threads or coroutines, spread over as many `processes`; `forks` for
    whoever has only processes.
    """

    total: int
    processes: int
    forks: int

    @property
    def threads(self) -> int:
        """Threads, or an event loop's coroutines, in each of the processes."""
        return max(1, self.total // self.processes)


class Peer(Protocol):
    """One queue. A new one is made for each kind of work, on servers that nobody else uses."""

    title: str
    # What its figures say it runs with, and what a crash leaves of the jobs.
    configuration: str
    durability: str
    # Distributions whose versions are reported.
    packages: Sequence[str]

    def prepare(self) -> None:
        """Make tables and the like."""

    def workers(self, slots: Slots) -> list[list[str]]:
        """Return the command of each worker process to start."""

    def enqueue(self, work: Work, jobs: int) -> None:
        """Hand over so many jobs as fast as its interface allows."""

    def enqueue_stamp(self, created: float) -> None:
        """Hand over one job that writes down when it was created and when it starts."""

    def unfinished(self) -> bool:
        """Tell whether jobs wait or run; cheap enough to ask all the time."""


def redis_url() -> str:
    """Return the Valkey's URL."""
    return os.environ["BENCH_REDIS_URL"]


def database_url() -> str:
    """Return the PostgreSQL's URL."""
    return os.environ["BENCH_DATABASE_URL"]


def command(module: str, *arguments: str) -> list[str]:
    """Return `python -m module …` of this environment."""
    return [sys.executable, "-m", module, *arguments]
