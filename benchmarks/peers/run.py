"""A part of `make bench`: one peer, in the peers' environment. `python -m benchmarks.peers.run NAME`.

Needs BENCH_DATABASE_URL, BENCH_REDIS_URL, BENCH_TARGET and BENCH_HOME; tells its figures as JSON on
standard output.
"""

import argparse
import contextlib
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers.children import Workers, workers
from benchmarks.peers.names import PEERS
from benchmarks.peers.peer import Peer, Slots, Work, database_url, redis_url
from benchmarks.trial import Figures, Plan, Running, measure_all, tell_figures


class Watched:
    """A peer whose dead worker ends the waiting, instead of its time running out."""

    def __init__(self, peer: Peer, running: Workers) -> None:
        self._peer = peer
        self._running = running

    def enqueue(self, work: Work, jobs: int) -> None:
        self._peer.enqueue(work, jobs)

    def enqueue_stamp(self, created: float) -> None:
        self._peer.enqueue_stamp(created)

    def unfinished(self) -> bool:
        self._running.check()
        return self._peer.unfinished()


def main() -> None:
    """Measure one peer and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(PEERS))
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--idle-jobs", type=int, default=150)
    options = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        figures = _measure(options.name, options.seconds, options.idle_jobs)
    tell_figures(figures)


def _measure(name: str, seconds: float, idle_jobs: int) -> Figures:
    peer = make_peer(name)
    home = Path(os.environ["BENCH_HOME"])
    plan = Plan(
        seconds=seconds,
        idle_jobs=idle_jobs,
        database_url=database_url(),
        redis_url=redis_url(),
        target=os.environ["BENCH_TARGET"],
        stamps=Path(os.environ["BENCH_STAMPS"]),
    )
    plan.stamps.touch()
    peer.prepare()

    @contextlib.contextmanager
    def start(_work: Work, slots: Slots) -> Iterator[Running]:
        with workers(peer.workers(slots), home / f"{name}.log") as running:
            yield Running(system=Watched(peer, running), pids=running.pids)

    return {**about(peer), **measure_all(start, plan)}


def make_peer(name: str) -> Peer:
    """Import the peer's module and make it."""
    module, kind, arguments = PEERS[name]
    make: Callable[..., Any] = getattr(import_module(f"benchmarks.peers.{module}"), kind)
    peer: Peer = make(*arguments)
    return peer


def about(peer: Peer) -> Mapping[str, object]:
    """Return what a reader must know of the figures."""
    return {
        "title": peer.title,
        "configuration": peer.configuration,
        "durability": peer.durability,
        "versions": {package: version(package) for package in peer.packages},
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
