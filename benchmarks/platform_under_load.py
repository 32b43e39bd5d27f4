"""TaskFlow's own processes, driven like a peer: jobs through the API, done when their rows are."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg

from benchmarks.costs import OURS
from benchmarks.peers.peer import Slots, Work
from benchmarks.peers.work import BODY
from benchmarks.platform_client import Client
from benchmarks.stack import process, wait_for
from benchmarks.timing import spread
from benchmarks.trial import Figures, Running
from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import Ports, definitions

WORKER = "worker-async"
NAMES = ("api", "populator", WORKER)
NOOP: dict[str, object] = {"kind": "python", "payload": {"handler": "demo.noop", "arguments": {}}}
STAMP = "bench.stamp"
ALIVE = "jobs_worker WHERE state = 'alive'"
SUCCEEDED = "jobs_execution WHERE outcome = 'succeeded'"
# Served by the partial indexes, so that asking costs little with a million jobs of later, which do not
# count. A probe a priority, ordered as the index is, up to a moment that the index can search for: for
# EXISTS, or `clock_timestamp()`, PostgreSQL reads them all.
UNFINISHED = " OR ".join(
    f"""(SELECT true FROM jobs_job
          WHERE lane = 'async' AND priority = {priority}
            AND status IN ('scheduled', 'retryable') AND gate = ''
            AND scheduled_at < (SELECT now() + interval '10 minutes')
          ORDER BY scheduled_at, id LIMIT 1) IS NOT NULL"""
    for priority in range(11)
)
STARTED = " OR ".join(
    f"(SELECT true FROM jobs_job WHERE status = '{status}' LIMIT 1) IS NOT NULL"
    for status in ("queued", "running")
)
FROM_CREATION = """
SELECT extract(epoch FROM started_at - created_at)::float8 * 1000 FROM jobs_job
 WHERE handler = %s AND status = 'succeeded' ORDER BY created_at DESC LIMIT %s
"""


class Platform:
    """TaskFlow as a benchmark's system. `count` says how many jobs were handed over."""

    def __init__(self, client: Client, database: psycopg.Connection) -> None:
        self.count = 0
        self._client = client
        self._database = database
        self._work: dict[Work, dict[str, object]] = {"noop": NOOP, "post": _post()}

    def enqueue(self, work: Work, jobs: int) -> None:
        self._client.post_jobs([self._work[work]] * jobs)
        self.count += jobs

    def enqueue_stamp(self, created: float) -> None:
        payload = {"handler": STAMP, "arguments": {"created": created}}
        self._client.post("/api/v1/jobs", {"kind": "python", "payload": payload})
        self.count += 1

    def unfinished(self) -> bool:
        row = self._database.execute(f"SELECT {OURS} {STARTED} OR {UNFINISHED}").fetchone()
        assert row is not None
        return bool(row[0])


class LostCount(Exception):
    """There are not as many finished executions as jobs."""


@contextlib.contextmanager
def platform(
    environment: dict[str, str], key: str, database: psycopg.Connection, work: Work, slots: Slots
) -> Iterator[Running]:
    """Run API, populator and async worker; afterwards each job must have a finished execution.

    Raises LostCount.
    """
    ports = Ports(api=free_port(), flower=free_port(), echo=free_port())
    table = {one.name: one for one in definitions(ports, flower_login="a:b")}
    client = Client(f"http://127.0.0.1:{ports.api}", key)
    # What the target sees at once, as for everybody else; jobs being claimed or written are not that.
    workers = slots.processes if work == "post" else 1
    capacity = {"TASKFLOW_HTTP_CONNECTIONS": str(slots.total // workers)} if work == "post" else {}
    home = Path(environment["TASKFLOW_HOME"])
    # A worker of an earlier start said goodbye, or its lease tells; what counts is a new one.
    alive = count(database, ALIVE)
    with ExitStack() as stack:
        pids = []
        for name in NAMES:
            one = table[name]
            chosen = {**environment, **one.environment, **capacity}
            for number in range(workers if name == WORKER else 1):
                argv = [word.replace("async@", f"async{number}@") for word in one.argv()]
                started = process(argv, chosen, home / f"{name}.log")
                pids.append(stack.enter_context(started).pid)
        wait_for(client.is_live, within=60)
        wait_for(lambda: count(database, ALIVE) >= alive + workers, within=60)
        system = Platform(client, database)
        wait_for(lambda: not system.unfinished())
        before = count(database, SUCCEEDED)
        yield Running(system=system, pids=pids)
        wait_for(lambda: not system.unfinished())
    ran = count(database, SUCCEEDED) - before
    if ran < system.count:
        raise LostCount(f"{system.count:,} jobs, but {ran:,} executions that succeeded")


def from_creation(database: psycopg.Connection, jobs: int) -> Figures:
    """Return milliseconds from a row's creation to its claim by a worker, of the latest stamps."""
    rows = database.execute(FROM_CREATION, [STAMP, jobs]).fetchall()
    return spread([float(row[0]) for row in rows])


def count(database: psycopg.Connection, source: str) -> int:
    """Return how many rows the FROM clause has."""
    row = database.execute(f"SELECT {OURS} count(*) FROM {source}").fetchone()
    assert row is not None
    return int(row[0])


def _post() -> dict[str, object]:
    target = os.environ["BENCH_TARGET"]
    headers = {"content-type": "application/json"}
    payload = {"method": "POST", "url": target, "text": BODY.decode(), "headers": headers}
    return {"kind": "http", "payload": payload}
