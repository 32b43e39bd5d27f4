"""`make bench`: TaskFlow beside other people's queues, the same no-op and the same HTTP POST.

Each system is a part of its own, in processes of its own, on a fresh PostgreSQL (every commit
synced), a fresh Valkey and a fresh HTTP target, all on this machine; a part that fails is reported,
and the others run. Writes benchmarks/results/throughput.json, the tables of docs/performance.md and
its plots; a run of some parts (`--only`) leaves the others' figures as they are.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.part import Figures, environment_of, say
from benchmarks.peers.names import PEERS
from benchmarks.stack import Servers, process, servers, wait_for
from benchmarks.throughput_report import write_throughput_report
from benchmarks.trial import requests_at
from taskflow.embedded.child import Launch, spawn, stop
from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import ROOT

PARTS = ("ceiling", "taskflow", *PEERS, "waiting", "flood")
PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
WAITING = (10_000, 100_000, 1_000_000)
FLOOD = 100_000
# Counts statements, at the top only: what a function does inside is its own affair.
COUNTING = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "top",
    "pg_stat_statements.max": "10000",
}
LONGEST = 300.0  # seconds that a part may take
LONGEST_WAITING = 900.0


class PartFailed(Exception):
    """A part told no figures; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to run: seconds of load, idle jobs, and how many jobs wait."""

    seconds: float
    idle_jobs: int
    waiting: tuple[int, ...]


def main() -> int:
    """Measure and report; 1 when a part failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each load, about")
    parser.add_argument("--idle-jobs", type=int, default=150, help="for the latency when idle")
    parser.add_argument("--waiting", type=int, nargs="+", default=WAITING)
    given = parser.parse_args()
    options = Options(
        seconds=given.seconds, idle_jobs=given.idle_jobs, waiting=tuple(given.waiting)
    )
    # Whoever ends the benchmark ends its parts, too: an exit unwinds, a signal does not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    stamp = {"run": _now(), "machine": describe_machine()}
    failed = False
    for name in given.only or PARTS:
        say(f"--- {name}")
        figures = _attempt(name, options)
        failed = failed or "failed" in figures
        write_throughput_report(name, {**stamp, "when": _now(), **figures})
    return int(failed)


def _attempt(name: str, options: Options) -> Figures:
    try:
        figures = _run(name, options)
    except (PartFailed, OSError, TimeoutError) as error:
        say(f"{name} failed: {error}")
        return {"title": name, "failed": str(error).strip().splitlines()[-1]}
    say(_in_short(figures))
    return figures


def _run(name: str, options: Options) -> Figures:
    with servers(COUNTING) as running, _target(running) as target:
        environment = {
            **environment_of(running),
            "TASKFLOW_HTTP_ALLOW_NETWORKS": "127.0.0.0/8",
            "BENCH_DATABASE_URL": running.database_url,
            "BENCH_REDIS_URL": running.redis_url,
            "BENCH_TARGET": target,
            "BENCH_HOME": str(running.home),
            "BENCH_STAMPS": str(running.home / "stamps"),
        }
        limit = LONGEST_WAITING if name in ("waiting", "flood") else LONGEST
        return _figures_of(_command(name, options), environment, running.home, limit)


def _command(name: str, options: Options) -> list[str]:
    common = ["--seconds", str(options.seconds)]
    idle = ["--idle-jobs", str(options.idle_jobs)]
    if name == "ceiling":
        return [sys.executable, "-m", "benchmarks.ceiling", *common]
    if name == "taskflow":
        return [sys.executable, "-m", "benchmarks.platform_part", *common, *idle]
    if name == "waiting":
        levels = map(str, options.waiting)
        module = "benchmarks.platform_part"
        return [sys.executable, "-m", module, *common, *idle, "--waiting", *levels]
    if name == "flood":
        module = "benchmarks.platform_part"
        return [sys.executable, "-m", module, "--flood", str(FLOOD)]
    if not PEERS_PYTHON.exists():
        raise PartFailed("the peers' environment .venv-bench is missing; `make bench` installs it")
    return [str(PEERS_PYTHON), "-m", "benchmarks.peers.run", name, *common, *idle]


def _figures_of(argv: list[str], environment: dict[str, str], home: Path, limit: float) -> Figures:
    launch = Launch(argv=argv, env={**_inherited(), **environment}, cwd=ROOT)
    told, log = home / "told", home / "part.log"
    with told.open("wb") as output, log.open("wb") as errors:
        child = spawn(launch, output, errors)
    try:
        status = child.wait(limit)
    except subprocess.TimeoutExpired:
        raise PartFailed(f"took longer than {limit:g} s") from None
    finally:
        stop(child, signal.SIGTERM, seconds=20)
    if status != 0:
        raise PartFailed(log.read_text(encoding="utf-8", errors="replace")[-4000:])
    return dict(json.loads(told.read_text(encoding="utf-8")))


def _inherited() -> dict[str, str]:
    # Importing TaskFlow's Celery application names its settings, which the peers cannot load.
    return {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}


@contextmanager
def _target(running: Servers) -> Iterator[str]:
    port = free_port()
    argv = [sys.executable, str(ROOT / "manage.py"), "echo_target", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/echo"
    with process(argv, environment_of(running), running.home / "target.log"):
        wait_for(lambda: _answers(lambda: requests_at(url)), within=30)
        yield url


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except OSError:
        return False
    return True


def _in_short(figures: Figures) -> str:
    parts = [
        f"{work} {figures[work]['per_second']:,}/s" for work in ("noop", "post") if work in figures
    ]
    if "latency_ms" in figures:
        parts.append(f"start p99 {figures['latency_ms']['p99']} ms")
    return ", ".join(parts) or "done"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
