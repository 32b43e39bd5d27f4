"""The three witnesses of a run: what the producers logged, what the target saw, what is stored."""

import contextlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import psycopg

from tests.chaos.client_log import ClientLog
from tests.chaos.ledger import Call

# tenants.platform.PLATFORM_ID; this module works without Django.
PLATFORM_ID = "00000000-0000-7000-8000-000000000001"
FINAL = ("succeeded", "failed", "cancelled", "skipped")

# A note of each change of a status, made by a trigger of the chaos test's own: rows show only the last.
# What the platform does for itself, its canaries, nobody asked for.
NOTES = f"""
CREATE TABLE chaos_transition (job_id uuid, was text, became text, at timestamptz);
CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_transition
    SELECT after.id, before.status, after.status, clock_timestamp()
      FROM after JOIN before USING (id)
     WHERE before.status <> after.status AND after.merchant_id <> '{PLATFORM_ID}';
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_note AFTER UPDATE ON jobs_job
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION chaos_note();
"""
_TIME = "extract(epoch FROM {0})::float8"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredJob:
    """A row of jobs_job; times in seconds of the epoch."""

    job: str
    name: str
    merchant: str
    status: str
    attempt: int = 0
    run_at: float = 0.0
    finalized_at: float | None = None
    key: str = ""
    limit: int = 0
    template: str = ""
    occurrence_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAttempt:
    """A row of jobs_execution. `told`: the number of the attempt that its answer speaks of."""

    job: str
    merchant: str
    number: int
    outcome: str
    scheduled_at: float
    started_at: float
    finished_at: float
    worker: str = ""
    code: str = ""
    told: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLetter:
    """An open dead letter."""

    job: str
    merchant: str
    code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """A job's status changed."""

    job: str
    was: str
    became: str
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Killed:
    """A worker process was killed."""

    pid: int
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NotRun:
    """Occurrences of a template that ended in a row instead of a job."""

    template: str
    first_at: float
    last_at: float


@dataclass(kw_only=True)
class Witnesses:
    """Everything that the promises are judged by."""

    client: ClientLog = field(default_factory=ClientLog)
    calls: Sequence[Call] = ()
    jobs: Sequence[StoredJob] = ()
    attempts: Sequence[StoredAttempt] = ()
    letters: Sequence[StoredLetter] = ()
    transitions: Sequence[Transition] = ()
    not_run: Sequence[NotRun] = ()
    # Worker id -> process id.
    worker_pids: Mapping[str, int] = field(default_factory=dict)
    killed: Sequence[Killed] = ()
    # When nothing was wrong and nothing had to be rescued: (from, to).
    calm: Sequence[tuple[float, float]] = ()
    # When the test itself stood still, and nobody healed or supervised: (from, to).
    paused: list[tuple[float, float]] = field(default_factory=list)

    @cached_property
    def job_of(self) -> dict[str, StoredJob]:
        """Stored jobs by id."""
        return {job.job: job for job in self.jobs}

    @cached_property
    def attempts_of(self) -> dict[str, list[StoredAttempt]]:
        """Stored attempts by job, in the order of their numbers."""
        found: dict[str, list[StoredAttempt]] = defaultdict(list)
        for attempt in sorted(self.attempts, key=lambda one: (one.number, one.started_at)):
            found[attempt.job].append(attempt)
        return found

    @cached_property
    def calls_of(self) -> dict[tuple[str, int], list[Call]]:
        """Calls by job and attempt."""
        found: dict[tuple[str, int], list[Call]] = defaultdict(list)
        for call in self.calls:
            found[call.job, call.attempt].append(call)
        return found


def read_database(url: str, into: Witnesses) -> None:
    """Add what is stored."""
    with psycopg.connect(url) as database:
        into.jobs = [StoredJob(**row) for row in _rows(database, _JOBS)]
        into.attempts = [_attempt(row) for row in _rows(database, _ATTEMPTS)]
        into.letters = [StoredLetter(**row) for row in _rows(database, _LETTERS)]
        into.transitions = [Transition(**row) for row in _rows(database, _TRANSITIONS)]
        into.not_run = [NotRun(**row) for row in _rows(database, _NOT_RUN)]
        into.worker_pids = {
            row["id"]: int(row["name"].rpartition(":")[2])
            for row in _rows(database, _WORKERS)
            if ":" in row["name"]
        }


def _rows(database: psycopg.Connection, statement: str) -> list[dict[str, Any]]:
    with database.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        cursor.execute(statement.encode())
        return cursor.fetchall()


def _attempt(row: dict[str, Any]) -> StoredAttempt:
    output = row.pop("output")
    return StoredAttempt(**row, told=told_attempt(output))


def told_attempt(output: Any) -> int | None:
    """Find the attempt's number in what an HTTP target or a function answered."""
    if isinstance(output, str) and output.startswith("{"):
        with contextlib.suppress(ValueError):
            output = json.loads(output)
    if isinstance(output, dict):
        if isinstance(number := output.get("attempt"), int):
            return number
        for inner in output.values():
            if (found := told_attempt(inner)) is not None:
                return found
    return None


_JOBS = f"""
SELECT job.id::text AS job, job.name, merchant.slug AS merchant, job.status, job.attempt,
       {_TIME.format("job.run_at")} AS run_at, {_TIME.format("job.finalized_at")} AS finalized_at,
       job.concurrency_key AS key,
       CASE WHEN job.concurrency_key = '' THEN 0 ELSE job.concurrency_limit END AS limit,
       coalesce(job.template_id::text, '') AS template,
       {_TIME.format("job.occurrence_at")} AS occurrence_at
  FROM jobs_job AS job
  JOIN tenants_merchant AS merchant ON merchant.id = job.merchant_id
 WHERE job.merchant_id <> '{PLATFORM_ID}'
"""
_ATTEMPTS = f"""
SELECT attempt.job_id::text AS job, merchant.slug AS merchant, attempt.number, attempt.outcome,
       {_TIME.format("attempt.scheduled_at")} AS scheduled_at,
       {_TIME.format("attempt.started_at")} AS started_at,
       {_TIME.format("attempt.finished_at")} AS finished_at,
       coalesce(attempt.worker_id::text, '') AS worker, attempt.error_code AS code, attempt.output
  FROM jobs_execution AS attempt
  JOIN tenants_merchant AS merchant ON merchant.id = attempt.merchant_id
 WHERE attempt.merchant_id <> '{PLATFORM_ID}'
"""
_LETTERS = f"""
SELECT letter.job_id::text AS job, merchant.slug AS merchant, letter.error_code AS code
  FROM jobs_deadletter AS letter
  JOIN tenants_merchant AS merchant ON merchant.id = letter.merchant_id
 WHERE letter.resolution = '' AND letter.merchant_id <> '{PLATFORM_ID}'
"""
_TRANSITIONS = f"""
SELECT job_id::text AS job, was, became, {_TIME.format("at")} AS at
  FROM chaos_transition
 ORDER BY at
"""
_NOT_RUN = f"""
SELECT template_id::text AS template, {_TIME.format("first_at")} AS first_at,
       {_TIME.format("last_at")} AS last_at
  FROM templates_app_skippedoccurrence
"""
_WORKERS = "SELECT id::text, name FROM jobs_worker"
