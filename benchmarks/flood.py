"""What nineteen merchants notice of the flood of a twentieth: how late their jobs start."""

import time
from typing import LiteralString

import psycopg

from benchmarks.part import Figures, say
from benchmarks.stack import wait_for

SMALL = 19
EACH = 100  # jobs, all due at one moment
ROUNDS = 3
SETTLED = 4.0  # seconds into the flood
MERCHANTS: LiteralString = """
INSERT INTO tenants_merchant
SELECT made.*
  FROM tenants_merchant AS source,
       generate_series(0, %s) AS number,
       LATERAL jsonb_populate_record(
           source, jsonb_build_object('id', uuidv7(), 'slug', 'flood-' || number,
                                      'name', 'Flood ' || number)) AS made
 WHERE source.id = (SELECT min(id::text)::uuid FROM tenants_merchant)
RETURNING id
"""
JOBS: LiteralString = """
INSERT INTO jobs_job
SELECT made.*
  FROM jobs_job AS source,
       unnest(%(merchants)s::uuid[]) AS merchant(id),
       generate_series(1, %(each)s) AS number,
       LATERAL jsonb_populate_record(
           source, jsonb_build_object('id', uuidv7(), 'merchant_id', merchant.id,
                                      'name', number::text,
                                      'run_at', %(due)s::timestamptz,
                                      'scheduled_at', %(due)s::timestamptz,
                                      'created_at', now())) AS made
 WHERE source.id = (SELECT id FROM jobs_job
                     WHERE status = 'scheduled' AND handler = 'demo.noop' LIMIT 1)
"""
LATE: LiteralString = """
SELECT percentile_cont(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (
           ORDER BY extract(epoch FROM started_at - run_at))
  FROM jobs_job WHERE merchant_id = ANY(%s) AND run_at = %s
"""


class Flood:
    """Jobs of twenty merchants, put into the database as if their requests had come before."""

    def __init__(self, database: psycopg.Connection) -> None:
        self._database = database
        ids = [row[0] for row in database.execute(MERCHANTS, [SMALL]).fetchall()]
        self._large, self._small = ids[:1], ids[1:]

    def measure(self, jobs: int) -> Figures:
        """Return seconds of lateness in calm rounds, and in as many within a flood of `jobs`."""
        self._late()  # the first of all is of a worker that has yet to warm up
        calm = [self._late() for _ in range(ROUNDS)]
        flooded = []
        for _ in range(ROUNDS):
            self._put(self._large, jobs, "0 seconds")
            time.sleep(SETTLED)
            flooded.append(self._late())
            say(f"--- {self._unfinished(self._large):,} of the flood are left")
            wait_for(lambda: not self._unfinished(self._large), within=300)
        return {"flood": jobs, "merchants": SMALL, "each": EACH, "calm": calm, "flooded": flooded}

    def _late(self) -> dict[str, float]:
        due = self._put(self._small, EACH, "2 seconds")
        wait_for(lambda: not self._unfinished(self._small), within=300)
        row = self._database.execute(LATE, [self._small, due]).fetchone()
        assert row is not None
        return dict(zip(("median", "p99", "worst"), (round(s, 3) for s in row[0]), strict=True))

    def _put(self, merchants: list[object], each: int, later: str) -> object:
        row = self._database.execute("SELECT clock_timestamp() + %s::interval", [later]).fetchone()
        assert row is not None
        self._database.execute(JOBS, {"merchants": merchants, "each": each, "due": row[0]})
        return row[0]

    def _unfinished(self, merchants: list[object]) -> int:
        # Index job_unfinished.
        row = self._database.execute(
            "SELECT count(*) FROM jobs_job WHERE merchant_id = ANY(%s) AND finalized_at IS NULL",
            [merchants],
        ).fetchone()
        assert row is not None
        return int(row[0])
