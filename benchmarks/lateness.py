"""How late templates' jobs start: claimed by a worker minus due, on an otherwise idle platform.

A part of `python -m benchmarks.templates`; needs its servers in the environment. Beat, expander,
populator and worker are the real processes; the templates go through the operations.
"""

import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from benchmarks.part import Figures, start_django, tell
from benchmarks.stack import process, wait_for
from benchmarks.timing import spread
from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import Ports, definitions

NAMES = ("populator", "worker-async", "worker-control", "beat")
TOGETHER = 500
ROUNDS = 12
ALONE = 30
# Upper bounds of the histogram's bars, in milliseconds.
BARS = (5, 10, 20, 50, 100, 150, 200, 250, 500, 1_000, 5_000)
SETTLE = 3.0
# Seconds that are left for creating one template before its first run; several times what it takes.
CREATION = 0.06
# Seconds between two firings, by how many templates fire.
EVERY = {TOGETHER: 8, 1: 2}
NOOP = {"kind": "python", "payload": {"handler": "demo.noop", "arguments": {}}}
# From due to handed to the broker, and to claimed by a worker.
RUNS = """
SELECT extract(epoch FROM execution.queued_at - job.run_at)::float8 * 1000,
       extract(epoch FROM execution.started_at - job.run_at)::float8 * 1000,
       job.run_at
  FROM jobs_job AS job JOIN jobs_execution AS execution ON execution.job_id = job.id
 WHERE job.template_id = ANY(%s)
"""


class Run(NamedTuple):
    """How late one run was handed to the broker and claimed, in milliseconds; when it was due."""

    queued: float
    claimed: float
    due: datetime


def main() -> None:
    """Measure and tell."""
    tell(measure)


def measure() -> Figures:
    """Return the figures of one template alone, and of many in the same second."""
    start_django()
    from tenants.models import Merchant

    merchant = Merchant.objects.create(name="Benchmark", slug="benchmark")
    table = {d.name: d for d in definitions(_ports(), flower_login="a:b")}
    home = Path(os.environ["TASKFLOW_HOME"])
    with (
        ExitStack() as stack,
        psycopg.connect(os.environ["TASKFLOW_DATABASE_URL"], autocommit=True) as database,
    ):
        for name in NAMES:
            definition = table[name]
            stack.enter_context(
                process(definition.argv(), definition.environment, home / f"{name}.log")
            )
        wait_for(lambda: _has_worker(database), within=60)
        time.sleep(SETTLE)
        _lateness(database, merchant, templates=20, rounds=2)
        alone = _lateness(database, merchant, templates=1, rounds=ALONE)
        together = _lateness(database, merchant, templates=TOGETHER, rounds=ROUNDS)
    return {
        "alone": _figures(alone),
        "together": {
            "templates": TOGETHER,
            "rounds": ROUNDS,
            "p99_of_rounds": _p99_of_rounds(together),
            **_figures(together),
        },
    }


def _figures(runs: list[Run]) -> Figures:
    claimed = [run.claimed for run in runs]
    return {
        "runs": len(runs),
        **spread(claimed),
        "queued": spread([run.queued for run in runs]),
        "histogram": histogram(claimed),
    }


def _p99_of_rounds(runs: list[Run]) -> list[float]:
    """Return each round's 99th percentile, lowest first: tells a slow platform from slow moments."""
    rounds: dict[datetime, list[float]] = {}
    for run in runs:
        rounds.setdefault(run.due, []).append(run.claimed)
    return sorted(spread(claimed)["p99"] for claimed in rounds.values())


def histogram(samples: list[float]) -> dict[str, int]:
    """Count samples up to each bar's bound; the last bar takes the rest."""
    found = {}
    lower = float("-inf")
    for upper in BARS:
        found[f"{upper} ms"] = sum(lower < sample <= upper for sample in samples)
        lower = upper
    found["more"] = sum(sample > lower for sample in samples)
    return found


def _lateness(
    database: psycopg.Connection, merchant: Any, *, templates: int, rounds: int
) -> list[Run]:
    """Let templates fire together so many times; return how late each run was."""
    from templates_app.operations.templates import create_template

    every = EVERY.get(templates, 2)
    # Time enough to create them all, and then some quiet.
    begin = datetime.now(UTC) + timedelta(seconds=5 + templates * CREATION)
    begin = begin.replace(microsecond=0)
    last = begin + timedelta(seconds=every * (rounds - 1))
    recurrence = {
        "kind": "interval",
        "every": every,
        "unit": "seconds",
        "anchor": begin.isoformat(),
        "ends_at": last.isoformat(),
        "timezone": "UTC",
    }
    body = {"name": "Benchmark", "recurrence": recurrence, **NOOP}
    ids = [
        create_template(body, merchant=merchant, now=datetime.now(UTC)).pk for _ in range(templates)
    ]
    if datetime.now(UTC) >= begin:
        raise AssertionError("creating the templates took longer than planned")
    time.sleep((last - datetime.now(UTC)).total_seconds())
    wait_for(lambda: len(_runs(database, ids)) == templates * rounds, every=0.5, within=30)
    return _runs(database, ids)


def _runs(database: psycopg.Connection, ids: list[Any]) -> list[Run]:
    return [Run(*row) for row in database.execute(RUNS, [ids]).fetchall()]


def _has_worker(database: psycopg.Connection) -> bool:
    row = database.execute("SELECT count(*) FROM jobs_worker WHERE state = 'alive'").fetchone()
    return row is not None and row[0] > 0


def _ports() -> Ports:
    return Ports(api=free_port(), flower=free_port(), echo=free_port())


if __name__ == "__main__":
    main()
