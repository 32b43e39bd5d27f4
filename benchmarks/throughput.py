"""`make bench`: durable no-op jobs per second, end to end, beside raw Celery on the same Valkey.

End to end: from the first `POST /jobs/batch` to the last job row that is succeeded, with its
execution row, in a PostgreSQL that syncs every commit. The client, the servers and all processes
share the machine. Writes docs/performance.md's table and benchmarks/results/throughput.json.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import psycopg

from benchmarks.raw_celery import measure_raw_celery
from benchmarks.report import write_report
from benchmarks.stack import Servers, manage, process, servers, wait_for
from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import ROOT, Ports, definitions

BATCH = 1000
NOOP: dict[str, object] = {"kind": "python", "payload": {"handler": "demo.noop", "arguments": {}}}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One run's figures; rates in jobs per second, latencies in milliseconds."""

    when: str
    machine: str
    jobs: int
    end_to_end: float
    accepted: float
    backlog: float
    raw_celery_tasks: int
    raw_celery: float
    times_raw_celery: float
    start_p50_ms: float
    start_p99_ms: float


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--raw-tasks", type=int, default=5_000)
    parser.add_argument("--idle-jobs", type=int, default=200)
    options = parser.parse_args()
    with servers() as running:
        raw = measure_raw_celery(running.redis_url, running.home, tasks=options.raw_tasks)
        print(f"raw Celery: {raw:,.0f} tasks/s", flush=True)
        figures = measure_taskflow(running, options.jobs, options.idle_jobs, raw, options.raw_tasks)
    write_report(asdict(figures))
    print(json.dumps(asdict(figures), indent=2))


def measure_taskflow(
    running: Servers, jobs: int, idle_jobs: int, raw: float, raw_tasks: int
) -> Figures:
    """Run TaskFlow's processes and measure them."""
    environment = {
        "TASKFLOW_DATABASE_URL": running.database_url,
        "TASKFLOW_REDIS_URL": running.redis_url,
        "TASKFLOW_HOME": str(running.home),
        "TASKFLOW_SECRET_KEY": "benchmark-" * 5,
    }
    manage(environment, "migrate", "-v", "0")
    demo = json.loads(manage(environment, "demo", "--json"))
    ports = Ports(api=free_port(), flower=free_port(), echo=free_port())
    table = {d.name: d for d in definitions(ports, flower_login="a:b")}
    with ExitStack() as stack, psycopg.connect(running.database_url, autocommit=True) as database:
        client = Client(f"http://127.0.0.1:{ports.api}", demo["api_key"])
        database.execute("UPDATE tenants_merchant SET requests_per_minute = 1000000000")

        def start(name: str) -> None:
            definition = table[name]
            log = running.home / f"{name}.log"
            stack.enter_context(
                process(definition.argv(), {**environment, **definition.environment}, log)
            )

        for name in ("api", "populator", "worker-async"):
            start(name)
        wait_for(client.is_live, within=60)
        wait_for(lambda: _count(database, "jobs_worker WHERE state = 'alive'") > 0, within=60)
        _drain(database)
        client.post_batch([NOOP] * BATCH)
        _drain(database)
        accepted, end_to_end = _end_to_end(client, database, jobs)
        p50, p99 = _start_latency(client, database, idle_jobs)
        backlog = _backlog(database, jobs)
    return Figures(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        jobs=jobs,
        end_to_end=round(end_to_end),
        accepted=round(accepted),
        backlog=round(backlog),
        raw_celery_tasks=raw_tasks,
        raw_celery=round(raw),
        times_raw_celery=round(end_to_end / raw, 1),
        start_p50_ms=round(p50, 1),
        start_p99_ms=round(p99, 1),
    )


def _end_to_end(client: "Client", database: psycopg.Connection, jobs: int) -> tuple[float, float]:
    before = _count(database, "jobs_execution")
    started = time.monotonic()
    for _ in range(jobs // BATCH):
        client.post_batch([NOOP] * BATCH)
    accepted = jobs / (time.monotonic() - started)
    _drain(database)
    rate = jobs / (time.monotonic() - started)
    written = _count(database, "jobs_execution") - before
    if written != jobs:
        raise AssertionError(f"{jobs} jobs, but {written} executions")
    return accepted, rate


def _backlog(database: psycopg.Connection, jobs: int) -> float:
    """Jobs per second when all lie ready: copies of a finished one, made due by one statement."""
    columns = (
        "merchant_id, kind, handler, lane, name, tags, metadata, payload, priority, max_attempts, "
        "timeout, run_at, attempt, earlier_attempts, lost_count, progress_note"
    )
    source = columns.replace("run_at, attempt", "now(), 0")
    database.execute(
        f"INSERT INTO jobs_job (id, status, scheduled_at, {columns}) "
        f"SELECT uuidv7(), 'scheduled', now() + interval '2 seconds', {source} "
        "FROM (SELECT * FROM jobs_job WHERE status = 'succeeded' AND handler = 'demo.noop' LIMIT 1) "
        "AS done, generate_series(1, %s)",
        [jobs],
    )
    time.sleep(2)
    started = time.monotonic()
    _drain(database)
    return jobs / (time.monotonic() - started)


def _start_latency(
    client: "Client", database: psycopg.Connection, jobs: int
) -> tuple[float, float]:
    """From the row's creation to the attempt's start, one job at a time on an idle platform."""
    latencies = []
    for _ in range(jobs):
        job = client.post("/api/v1/jobs", NOOP)
        _drain(database)
        row = database.execute(
            "SELECT extract(epoch FROM started_at - created_at) * 1000 FROM jobs_job WHERE id = %s",
            [job["id"]],
        ).fetchone()
        assert row is not None
        latencies.append(float(row[0]))
    cuts = statistics.quantiles(latencies, n=100)
    return cuts[49], cuts[98]


def _drain(database: psycopg.Connection) -> None:
    # Served by the partial indexes, so that watching costs little. The demo's job of next hour stays.
    soon = "scheduled_at < clock_timestamp() + interval '10 minutes'"
    statuses = ("scheduled", "queued", "running")
    unfinished = " UNION ALL ".join(
        f"SELECT 1 FROM jobs_job WHERE status = '{status}' AND lane = 'async' AND {soon}"
        for status in statuses
    )
    wait_for(lambda: _count(database, f"({unfinished}) AS unfinished") == 0)


def _count(database: psycopg.Connection, source: str) -> int:
    row = database.execute(f"SELECT count(*) FROM {source}").fetchone()
    assert row is not None
    return int(row[0])


class Client:
    """A producer with one API key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def post(self, path: str, body: object) -> dict[str, str]:
        request = urllib.request.Request(
            self._url + path,
            json.dumps(body).encode(),
            {"content-type": "application/json", "x-api-key": self._key},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer))

    def post_batch(self, jobs: list[dict[str, object]]) -> None:
        self.post("/api/v1/jobs/batch", {"jobs": jobs})

    def is_live(self) -> bool:
        try:
            with urllib.request.urlopen(self._url + "/health/live", timeout=1):
                return True
        except OSError:
            return False


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
