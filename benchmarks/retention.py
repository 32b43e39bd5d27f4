"""`make bench-retention`: weeks of 1,000,000 rows are dropped while jobs run, and what they notice.

Fresh servers that sync every commit, the real populator and one async worker; a producer beside them
stores jobs that are due at once, all the time. Writes benchmarks/results/retention.json and the table of
docs/performance.md.
"""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from benchmarks.machine import describe_machine
from benchmarks.part import Figures, environment_of, say, start_django
from benchmarks.report import PAGE, RESULTS, replaced
from benchmarks.stack import manage, process, servers, wait_for
from benchmarks.timing import milliseconds, spread
from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import ROOT, Ports, definitions

RESULT = RESULTS / "retention.json"
NAMES = ("populator", "worker-async")
BATCH = 50  # jobs that the producer stores at once
EVERY = 0.1  # seconds between two of its batches
CALM = 20.0  # seconds of load before anything is dropped
AFTER = 5.0  # seconds that count as "meanwhile", from the beginning of a step on
OLD = timedelta(days=200)
KEPT_WEEKS = 13

# Jobs as the one that is there, due now.
LOAD: LiteralString = """
INSERT INTO jobs_job
SELECT made.*
  FROM jobs_job AS source, generate_series(1, %s) AS number,
       LATERAL jsonb_populate_record(source, jsonb_build_object(
           'id', uuidv7(), 'name', number::text, 'run_at', clock_timestamp(), 'scheduled_at', clock_timestamp(),
           'created_at', clock_timestamp())) AS made
 WHERE source.id = %s
"""
# Ended ones, spread evenly over a span of time.
ENDED: LiteralString = """
INSERT INTO {table}
SELECT made.*
  FROM jobs_job AS source, generate_series(1, %(rows)s) AS number,
       LATERAL (SELECT %(since)s::timestamptz + %(span)s::interval * number / %(rows)s AS at) AS ended,
       LATERAL jsonb_populate_record(source, jsonb_build_object(
           'id', uuidv7(ended.at - clock_timestamp()), 'status', 'succeeded', 'attempt', 1,
           'name', 'order ' || number, 'run_at', ended.at, 'scheduled_at', ended.at,
           'created_at', ended.at, 'started_at', ended.at, 'finalized_at', ended.at)) AS made
 WHERE source.id = %(source)s
"""
ATTEMPTS: LiteralString = """
INSERT INTO jobs_execution
SELECT uuidv7(ended.at - clock_timestamp()), uuidv7(ended.at - clock_timestamp()), %(merchant)s, 1,
       'succeeded', ended.at, ended.at, ended.at, ended.at, NULL, 200, '', '', '',
       jsonb_build_object('status', 200, 'body', repeat('x', 100)), '[]'
  FROM generate_series(1, %(rows)s) AS number,
       LATERAL (SELECT %(since)s::timestamptz + %(span)s::interval * number / %(rows)s AS at) AS ended
"""
LATE: LiteralString = """
SELECT extract(epoch FROM started_at - scheduled_at)::float8 * 1000
  FROM jobs_execution
 WHERE scheduled_at >= %s AND scheduled_at < %s AND id >= %s
"""


class Load:
    """The producer: stores jobs until it is stopped, on a connection of its own."""

    def __init__(self, url: str, source: Any) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url, source), daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self, url: str, source: Any) -> None:
        from jobs.publishing import wake

        with psycopg.connect(url, autocommit=True) as database:
            while not self._stop.wait(EVERY):
                database.execute(LOAD, [BATCH, source])
                wake()


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with ExitStack() as stack:
        environment = environment_of(stack.enter_context(servers()))
        manage(environment, "migrate", "-v", "0", "--skip-checks")
        os.environ.update(environment)
        start_django()
        figures = measure(stack, environment, options.rows)
    stamp = {"when": datetime.now(UTC).isoformat(timespec="seconds"), "machine": describe_machine()}
    RESULT.write_text(json.dumps({**stamp, **figures}, indent=2) + "\n", encoding="utf-8")
    page = replaced(PAGE.read_text(encoding="utf-8"), "retention", table({**stamp, **figures}))
    PAGE.write_text(page, encoding="utf-8")


def measure(stack: ExitStack, environment: dict[str, str], rows: int) -> Figures:
    """Return the figures: lists over a full archive, moving, and the drop of a week of each table."""
    from jobs.models import AnyJob, Job
    from jobs.retention import Retention
    from tenants.models import Merchant

    url = environment["TASKFLOW_DATABASE_URL"]
    database = stack.enter_context(psycopg.connect(url, autocommit=True))
    merchant = Merchant.objects.create(name="Benchmark", slug="benchmark")
    source = _source(merchant)
    _fill(database, merchant.pk, source, rows)
    page = AnyJob.objects.of(merchant).order_by("-pk")
    figures: Figures = {
        "rows": rows,
        "weeks": KEPT_WEEKS,
        "first_page_ms": spread(milliseconds(lambda: list(page[:51]), 100)),
        "one_job_ms": spread(milliseconds(lambda: page.filter(pk=source).first(), 100)),
    }
    say(page[:51].explain(analyze=True))
    _start(stack, environment, database)
    per_second = round(BATCH / EVERY)
    with Load(url, source):
        figures["jobs_per_second"] = per_second
        time.sleep(CALM / 2)
        begin = datetime.now(UTC)
        time.sleep(CALM)
        figures["calm"] = _late(database, begin, datetime.now(UTC))
        for name in ("executions", "jobs"):
            say(f"--- dropping a week of {name}")
            figures[name] = _dropped(database, name, Retention(archive_after=30 * 86_400, days=150))
        say("--- moving")
        figures["moving"] = _moved(database, Retention(archive_after=3_600, days=150))
    assert Job.objects.filter(pk=source).exists()
    return figures


def _source(merchant: Any) -> Any:
    """Store the job that all others are copies of; it is due in a hundred years."""
    from jobs.models import Job

    later = datetime.now(UTC) + timedelta(days=36_500)
    payload = {"handler": "demo.noop", "arguments": {}}
    job = Job.objects.create(
        merchant=merchant,
        kind="python",
        handler="demo.noop",
        lane="async",
        payload=payload,
        run_at=later,
        scheduled_at=later,
        status="scheduled",
    )
    return job.pk


def _fill(database: psycopg.Connection, merchant: Any, source: Any, rows: int) -> None:
    """Make a week of each table that nobody keeps, weeks that are kept, and jobs to be moved."""
    from jobs.partitions import WEEK, History, ensure_archive, make_week, week_of

    now = datetime.now(UTC)
    old = week_of(History.EXECUTIONS, now - OLD)
    make_week(old)
    span = WEEK - timedelta(minutes=1)
    say(f"--- storing {rows:,} executions of one week")
    values = {"rows": rows, "since": old.starts, "span": span, "merchant": merchant}
    database.execute(ATTEMPTS, values)
    say(f"--- storing {rows:,} archived jobs of one week, and as many of {KEPT_WEEKS}")
    ensure_archive([old.starts, *(now - WEEK * number for number in range(KEPT_WEEKS + 1))])
    archived = ENDED.replace("{table}", "jobs_archivedjob")
    values = {"rows": rows, "since": old.starts, "span": span, "source": source}
    database.execute(archived, values)
    kept = {**values, "since": now - WEEK * KEPT_WEEKS, "span": WEEK * (KEPT_WEEKS - 1)}
    database.execute(archived, kept)
    say("--- storing jobs that are to be moved")
    recent = {**values, "rows": rows // 10, "since": now - WEEK, "span": timedelta(days=6)}
    database.execute(ENDED.replace("{table}", "jobs_job"), recent)
    for statement in ("VACUUM ANALYZE jobs_job", "ANALYZE jobs_archivedjob", "CHECKPOINT"):
        database.execute(statement)


def _start(stack: ExitStack, environment: dict[str, str], database: psycopg.Connection) -> None:
    ports = Ports(api=free_port(), flower=free_port(), echo=free_port())
    for one in definitions(ports, flower_login="a:b"):
        if one.name in NAMES:
            log = ROOT / environment["TASKFLOW_HOME"] / f"{one.name}.log"
            chosen = {**environment, **one.environment}
            stack.enter_context(process(one.argv(), chosen, log))
    wait_for(lambda: _number(database, "SELECT count(*) FROM jobs_worker") > 0, within=60)


def _dropped(database: psycopg.Connection, name: str, retention: Any) -> Figures:
    """Let one table's week go; return seconds of the archiver's step, and the jobs' lateness meanwhile."""
    from jobs.archiver import retiring
    from jobs.partitions import History

    table = History.EXECUTIONS if name == "executions" else History.JOBS
    now = datetime.now(UTC)
    [week] = [one for one in retiring.due_weeks(now, retention) if one.table is table]
    size = _number(database, f"SELECT pg_total_relation_size('{week.name}')")
    begin = datetime.now(UTC)
    detaching = _seconds(lambda: _until_done(lambda: retiring.detach(week, now)))
    [retired] = retiring.retired_tables()
    dropping = _seconds(lambda: _until_done(lambda: retiring.drop(retired)))
    time.sleep(AFTER)
    return {
        "size_mb": round(size / 1024**2),
        "detach_seconds": round(detaching, 4),
        "drop_seconds": round(dropping, 4),
        "seconds": round(detaching + dropping, 4),
        "late": _late(database, begin, begin + timedelta(seconds=AFTER)),
    }


def _moved(database: psycopg.Connection, retention: Any) -> Figures:
    """Archive the jobs that ended; return how many a second, and the others' lateness meanwhile."""
    from jobs.archiver.stepping import steps

    begin = datetime.now(UTC)
    started = time.perf_counter()
    moved = sum(step.moved for step in steps(retention))
    seconds = time.perf_counter() - started
    late = _late(database, begin, datetime.now(UTC))
    return {"jobs": moved, "per_second": round(moved / seconds), "late": late}


def _until_done(step: Callable[[], bool]) -> None:
    while not step():
        time.sleep(0.05)


def _seconds(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def _late(database: psycopg.Connection, begin: datetime, end: datetime) -> Figures:
    """Return milliseconds from due to claimed of jobs that fell due within the time."""
    from jobs.partitions import first_id

    time.sleep(2.0)  # until they have ended
    rows = database.execute(LATE, [begin, end, first_id(begin)]).fetchall()
    return {"jobs": len(rows), **spread([row[0] for row in rows])}


def _number(database: psycopg.Connection, statement: str) -> int:
    row = database.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


def table(figures: Figures) -> list[str]:
    """Return what the page says."""
    lines = [
        f"Measured {figures['when']} on {figures['machine']}.",
        "",
        f"| while {figures['jobs_per_second']:,} jobs a second run | seconds | size | late | p99 | worst |",
        "| --- | --- | --- | --- | --- | --- |",
        f"| nothing else | | | {_lateness(figures['calm'])} |",
    ]
    for name, told in (("executions", "executions"), ("jobs", "archived jobs")):
        found = figures[name]
        lines.append(
            f"| a week of {figures['rows']:,} {told} is dropped | **{found['seconds']:.3f}** (of which "
            f"detaching {found['detach_seconds']:.3f}) | {found['size_mb']:,} MB | "
            f"{_lateness(found['late'])} |"
        )
    moving = figures["moving"]
    lines.append(
        f"| {moving['jobs']:,} finished jobs go to the archive, {moving['per_second']:,} a second | | | "
        f"{_lateness(moving['late'])} |"
    )
    lines.append("")
    lines.append(
        f"With {figures['rows']:,} archived jobs of one merchant in {figures['weeks']} weeks its newest 51 "
        f"jobs take {figures['first_page_ms']['median']} ms (p99 {figures['first_page_ms']['p99']}), one "
        f"job by its id {figures['one_job_ms']['median']} ms."
    )
    return lines


def _lateness(late: Figures) -> str:
    return f"{late['median']} ms | {late['p99']} ms | {late['worst']} ms"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
