"""Parts of `make bench`: TaskFlow itself, on an empty platform or with so many jobs waiting.

Needs the servers in the environment (TASKFLOW_… and BENCH_…); tells its figures as JSON.
"""

import argparse
import contextlib
import json
import os
import platform as machine
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from benchmarks.flood import Flood
from benchmarks.part import say
from benchmarks.peers.peer import Slots, Work
from benchmarks.platform_under_load import count, from_creation, platform
from benchmarks.plugin import install_plugin
from benchmarks.stack import manage, wait_for
from benchmarks.trial import (
    SLOTS,
    Figures,
    Plan,
    Running,
    measure_all,
    tell_figures,
)

TITLE = "TaskFlow"
CONFIGURATION = (
    "API with two processes, two producers with batches of 1,000, populator, async worker (500 jobs at once): "
    "one process for no-ops, a process per core for requests"
)
DURABILITY = (
    "Each job and each attempt is a row, committed and synced before the API answers. Jobs survive "
    "Redis, and a killed worker's jobs run again by themselves within a minute."
)
BACKLOG = 10_000
SOON: LiteralString = "2"  # seconds until a backlog falls due
COLUMNS = """
SELECT column_name FROM information_schema.columns
 WHERE table_name = 'jobs_job' AND is_generated = 'NEVER' AND identity_generation IS NULL
"""
CHANGED: dict[str, LiteralString] = {
    "id": "uuidv7()",
    "created_at": "now()",
    "scheduled_at": "due",
    "run_at": "due",
}
COPY: LiteralString = """
INSERT INTO jobs_job ({})
SELECT {}
  FROM (SELECT * FROM jobs_job WHERE status = 'scheduled' AND handler = 'demo.noop'
         ORDER BY created_at LIMIT 1) AS source,
       (SELECT now() + {} AS due FROM generate_series(1, %s)) AS later
"""


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--idle-jobs", type=int, default=150)
    parser.add_argument("--backlog", type=int, default=BACKLOG)
    parser.add_argument("--waiting", type=int, nargs="*", default=[])
    parser.add_argument("--flood", type=int, default=0)
    options = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        part = Part(options.seconds, options.idle_jobs)
        if options.flood:
            figures: Figures = part.flooded(options.flood)
        elif options.waiting:
            figures = {"levels": [part.with_waiting(n) for n in options.waiting]}
        else:
            figures = {**part.measure(), "backlog": part.backlog(options.backlog)}
        figures |= {
            "title": TITLE,
            "configuration": CONFIGURATION,
            "durability": DURABILITY,
            "versions": {},
            "python": machine.python_version(),
        }
    tell_figures(figures)


class Part:
    """One platform on servers of its own."""

    def __init__(self, seconds: float, idle_jobs: int) -> None:
        home = Path(os.environ["TASKFLOW_HOME"])
        self._environment = {**os.environ, **install_plugin(home)}
        self._database = psycopg.connect(os.environ["TASKFLOW_DATABASE_URL"], autocommit=True)
        self._plan = Plan(
            seconds=seconds,
            idle_jobs=idle_jobs,
            database_url=os.environ["TASKFLOW_DATABASE_URL"],
            redis_url=os.environ["TASKFLOW_REDIS_URL"],
            target=os.environ["BENCH_TARGET"],
            stamps=Path(os.environ["BENCH_STAMPS"]),
        )
        self._plan.stamps.touch()
        manage(self._environment, "migrate", "-v", "0")
        self._key = json.loads(manage(self._environment, "demo", "--json"))["api_key"]
        # Neither limit is what is measured.
        self._database.execute(
            "UPDATE tenants_merchant "
            "SET requests_per_minute = 1000000000, max_waiting_jobs = 100000000"
        )

    def measure(self) -> Figures:
        """Return the figures of both kinds of work."""
        figures = measure_all(self._start, self._plan)
        figures["latency_ms"]["from_creation"] = from_creation(self._database, self._plan.idle_jobs)
        return figures

    def with_waiting(self, waiting: int) -> Figures:
        """Return the same with so many jobs that wait for another day."""
        there = count(self._database, "jobs_job WHERE status = 'scheduled'")
        say(f"--- {waiting:,} waiting jobs")
        started = time.monotonic()
        self._copy(waiting - there, "interval '1 day' + random() * interval '1 year'")
        self._database.execute("VACUUM (ANALYZE) jobs_job")
        self._database.execute("CHECKPOINT")
        loaded = time.monotonic() - started
        return {"waiting": waiting, "loaded_in_s": round(loaded), **self.measure()}

    def backlog(self, jobs: int) -> Figures:
        """Return jobs per second when all fall due at once."""
        with self._start("noop", SLOTS["noop"]) as running:
            self._copy(jobs, f"interval '{SOON} seconds'")
            time.sleep(float(SOON))
            started = time.monotonic()
            wait_for(lambda: not running.system.unfinished())
            seconds = time.monotonic() - started
        return {"jobs": jobs, "per_second": round(jobs / seconds, 1)}

    def flooded(self, jobs: int) -> Figures:
        """Return how late others' jobs start beside a flood of so many."""
        with self._start("noop", SLOTS["noop"]):
            return Flood(self._database).measure(jobs)

    def _start(self, work: Work, slots: Slots) -> AbstractContextManager[Running]:
        return platform(self._environment, self._key, self._database, work, slots)

    def _copy(self, jobs: int, later: LiteralString) -> None:
        """Insert copies of the demo's waiting no-op, whatever columns a job has by now."""
        listed = self._database.execute(COLUMNS).fetchall()
        chosen = {name: sql.SQL(CHANGED.get(name, "{}")) for (name,) in listed}
        names = [sql.Identifier(name) for name in chosen]
        values = [
            value.format(sql.SQL("source.") + sql.Identifier(name))
            for name, value in chosen.items()
        ]
        statement = sql.SQL(COPY).format(
            sql.SQL(", ").join(names), sql.SQL(", ").join(values), sql.SQL(later)
        )
        self._database.execute(statement, [jobs])


if __name__ == "__main__":
    main()
