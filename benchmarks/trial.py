"""One system under one load: throughput of both kinds of work, and latency while idle.

The same code drives TaskFlow and its peers, each in its environment. What a worker cannot tell (a
request answered) is counted where it must arrive.
"""

import json
import os
import random
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.costs import Meter
from benchmarks.memory import memory_mb
from benchmarks.peers.peer import Slots, Work
from benchmarks.timing import spread

Figures = dict[str, Any]

POLL = 0.01  # seconds between two looks at whether all is done
LONGEST = 120.0  # seconds after which a load counts as stuck
LATEST = 2.0  # seconds after which a request that did not arrive counts as lost
FIRST = 200
SMALLEST, LARGEST = 500, 40_000
IDLE = (0.05, 0.15)  # seconds of rest between two jobs of the latency's measurement
CORES = os.cpu_count() or 1
AT_ONCE = 16
# Processes that only compute want a core each; those that wait for answers may be more.
SLOTS: dict[Work, Slots] = {
    "noop": Slots(total=AT_ONCE, processes=CORES, forks=CORES),
    "post": Slots(total=AT_ONCE, processes=CORES, forks=AT_ONCE),
}


class System(Protocol):
    """What `peer.Peer` and TaskFlow have in common."""

    def enqueue(self, work: Work, jobs: int) -> None: ...
    def enqueue_stamp(self, created: float) -> None: ...
    def unfinished(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Running:
    """A system with its workers up."""

    system: System
    pids: Sequence[int]


Start = Callable[[Work, Slots], AbstractContextManager[Running]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much to measure: seconds for each load (about), idle jobs, and the servers."""

    seconds: float
    idle_jobs: int
    database_url: str
    redis_url: str
    target: str
    stamps: Path


class Stuck(Exception):
    """Jobs were not done in time."""


class Miscounted(Exception):
    """The target did not get each request exactly once."""


def measure_all(start: Start, plan: Plan) -> Figures:
    """Return a system's figures: its workers start twice, with the slots for each kind of work."""
    with start("noop", SLOTS["noop"]) as running:
        noop = throughput(running, "noop", plan)
        latency = start_latency(running.system, plan)
        memory = memory_of(running)
    with start("post", SLOTS["post"]) as running:
        post = throughput(running, "post", plan)
        busy_memory = memory_of(running)
    return {
        "noop": {**noop, "memory_mb": memory},
        "post": {**post, "memory_mb": busy_memory},
        "latency_ms": latency,
    }


def throughput(running: Running, work: Work, plan: Plan) -> Figures:
    """Load the system for about `plan.seconds`; return jobs per second and what each cost."""
    system = running.system
    load = Load(system=system, work=work, target=plan.target)
    load.run(FIRST)
    jobs = _enough(load, plan.seconds)
    meter = Meter(
        database_url=plan.database_url, redis_url=plan.redis_url, pids=lambda: running.pids
    )
    try:
        before = meter.read()
        accepted, seconds = load.run(jobs)
        costs = meter.read().since(before, jobs=jobs)
    finally:
        meter.close()
    return {
        "jobs": jobs,
        "per_second": round(jobs / seconds, 1),
        "accepted_per_second": round(jobs / accepted, 1),
        **costs,
    }


def start_latency(system: System, plan: Plan) -> Figures:
    """Return milliseconds from before the call that creates a job to its first line of code."""
    seen = _lines(plan.stamps)
    samples = []
    for _ in range(plan.idle_jobs):
        time.sleep(random.uniform(*IDLE))
        system.enqueue_stamp(time.time())
        seen += 1
        _wait(lambda: len(plan.stamps.read_bytes().splitlines()) < seen, every=0.002)  # noqa: B023
    for line in plan.stamps.read_text(encoding="ascii").splitlines()[seen - plan.idle_jobs :]:
        created, started = map(float, line.split())
        samples.append((started - created) * 1000)
    return {"jobs": len(samples), **spread(samples)}


def memory_of(running: Running) -> dict[str, float]:
    """Return the memory of all the system's processes together, in MB."""
    each = [memory_mb(pid) for pid in running.pids]
    return {name: round(sum(one[name] for one in each), 1) for name in ("rss", "pss")}


def requests_at(target: str) -> int:
    """Return how many requests the target has got."""
    ledger = target.rpartition("/")[0] + "/ledger"
    with urllib.request.urlopen(ledger, timeout=30) as answer:
        return int(json.load(answer)["requests"])


def _enough(load: "Load", seconds: float) -> int:
    """Return how many jobs keep the system busy for about so long, now that it is warm."""
    jobs = FIRST
    _, took = load.run(jobs)
    # A load that is over at once says little about the rate, and so does the first of its size.
    while took < min(2.0, seconds / 4) and jobs < LARGEST // 4:
        jobs *= 3
        load.run(jobs)
        _, took = load.run(jobs)
    return max(SMALLEST, min(LARGEST, int(jobs / took * seconds)))


@dataclass(frozen=True, kw_only=True)
class Load:
    """Jobs of one kind of work for one system, whose requests a target counts."""

    system: System
    work: Work
    target: str

    def run(self, jobs: int) -> tuple[float, float]:
        """Hand over so many jobs; return the seconds until all were accepted, and until all were done.

        Raises Stuck, and Miscounted when the target did not get each request once.
        """
        requests = self._requests()
        started = time.monotonic()
        self.system.enqueue(self.work, jobs)
        accepted = time.monotonic() - started
        _wait(self.system.unfinished, every=POLL)
        if self.work == "post":
            self._wait_for_requests(requests + jobs)
        return accepted, time.monotonic() - started

    def _wait_for_requests(self, all_of_them: int) -> None:
        # Who does not tell what runs says that it is done while its other threads still wait for answers.
        until = time.monotonic() + LATEST
        while (arrived := self._requests()) < all_of_them and time.monotonic() < until:
            time.sleep(POLL)
        if arrived != all_of_them:
            raise Miscounted(f"{all_of_them:,} requests were due, {arrived:,} arrived")

    def _requests(self) -> int:
        return requests_at(self.target) if self.work == "post" else 0


def _wait(unfinished: Callable[[], bool], *, every: float) -> None:
    until = time.monotonic() + LONGEST
    while unfinished():
        if time.monotonic() > until:
            raise Stuck(f"not done within {LONGEST:g} s")
        time.sleep(every)


def _lines(path: Path) -> int:
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def tell_figures(figures: Figures) -> None:
    """Print the figures as the one line of standard output that the benchmark reads."""
    json.dump(figures, sys.stdout)
    print()
