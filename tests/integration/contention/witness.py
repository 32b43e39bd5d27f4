"""What really happened to the jobs, written down by the database itself, and what must be true of it.

A trigger notes each change of a status, a ticket or a place. The checks are plain SQL over these notes and
the rules; they share nothing with how the product counts. A job is *on its way* while it is queued or
running. Limits are looked at as of each single start, so nothing can hide between two looks.
"""

from datetime import datetime
from typing import Any

from django.db import connection

SETUP = """
CREATE TABLE witness_clock (at timestamptz NOT NULL);
INSERT INTO witness_clock VALUES ('-infinity');
CREATE TABLE witness (
    seq bigserial PRIMARY KEY, at timestamptz, job_id uuid, merchant_id uuid, kind text, lane text,
    handler text, key text, key_limit int, was text, status text, had_ticket bigint, ticket bigint,
    attempt int, earlier int, due timestamptz, placed boolean, left_place boolean);
CREATE FUNCTION witness_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO witness (at, job_id, merchant_id, kind, lane, handler, key, key_limit, was, status,
                         had_ticket, ticket, attempt, earlier, due, placed, left_place)
    SELECT at, new.id, new.merchant_id, new.kind, new.lane, new.handler, new.concurrency_key,
           new.concurrency_limit, old.status, new.status, old.ticket, new.ticket, new.attempt,
           old.attempt, new.scheduled_at,
           (new.holds_place AND new.finalized_at IS NULL)
           AND (old.holds_place AND old.finalized_at IS NULL) IS NOT TRUE,
           (old.holds_place AND old.finalized_at IS NULL)
           AND (new.holds_place AND new.finalized_at IS NULL) IS NOT TRUE
      FROM witness_clock;
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER UPDATE ON jobs_job FOR EACH ROW
WHEN ((old.status, old.ticket, old.holds_place) IS DISTINCT FROM (new.status, new.ticket, new.holds_place))
EXECUTE FUNCTION witness_it();
CREATE TRIGGER witness_birth AFTER INSERT ON jobs_job FOR EACH ROW EXECUTE FUNCTION witness_it();
"""
TEARDOWN = """
DROP TRIGGER witness ON jobs_job;
DROP TRIGGER witness_birth ON jobs_job;
DROP FUNCTION witness_it;
DROP TABLE witness, witness_clock;
"""

MOVES = """
WITH move AS (
    SELECT seq, at, job_id, merchant_id, kind, lane, handler, key, key_limit, was, due, placed,
           (status IN ('queued', 'running'))::int - (was IN ('queued', 'running'))::int AS step
      FROM witness
), ruled AS (
    SELECT move.*, flow.id AS rule, flow.most_active, flow.paused_at,
           flow.rate::float8 / flow.rate_period AS per_second, coalesce(flow.burst, flow.rate) AS burst
      FROM move
      JOIN jobs_flow AS flow
        ON (flow.merchant_id IS NULL OR flow.merchant_id = move.merchant_id)
       AND CASE flow.scope WHEN 'merchant' THEN true
                           WHEN 'kind' THEN flow.name = move.kind
                           WHEN 'lane' THEN flow.name = move.lane
                           WHEN 'handler' THEN flow.name = move.handler
                           WHEN 'key' THEN flow.name = move.key END
     WHERE move.step <> 0
)
"""
# What must find nothing. `since`: what was checked before; rules change between two checks only.
NEVER = {
    "more on their way at a start than a rule allows": MOVES
    + """
SELECT rule, seq, active, most_active
  FROM (SELECT *, sum(step) OVER (PARTITION BY rule ORDER BY seq) AS active FROM ruled) AS one
 WHERE step = 1 AND active > most_active AND seq > %(since)s
""",
    "started under a rule that is paused": MOVES
    + "SELECT rule, seq FROM ruled WHERE step = 1 AND paused_at IS NOT NULL AND seq > %(since)s",
    "more starts in some time than a bucket gives": MOVES
    + """
SELECT later.rule, earlier.seq, later.seq, count(*)
  FROM ruled AS later
  JOIN ruled AS earlier ON earlier.rule = later.rule AND earlier.step = 1 AND earlier.seq <= later.seq
  JOIN ruled AS between_them
    ON between_them.rule = later.rule AND between_them.step = 1
   AND between_them.seq BETWEEN earlier.seq AND later.seq
 WHERE later.step = 1 AND later.seq > %(since)s AND later.burst IS NOT NULL
 GROUP BY later.rule, earlier.seq, later.seq, later.at, earlier.at, later.burst, later.per_second
HAVING count(*) > later.burst + later.per_second
       * (extract(epoch FROM later.at - earlier.at) + %(lag)s) + 1e-6
""",
    "more jobs of a key on their way, or between attempts, than it has places": """
SELECT seq, taken, key_limit
  FROM (SELECT *, sum((status IN ('queued', 'running', 'retryable'))::int
                      - (was IN ('queued', 'running', 'retryable'))::int)
                  OVER (PARTITION BY merchant_id, key ORDER BY seq) AS taken
          FROM witness WHERE key <> '') AS one
 WHERE status = 'queued' AND taken > key_limit AND seq > %(since)s
""",
    "more places of a key given than there are": """
SELECT seq, taken, key_limit
  FROM (SELECT *, sum(placed::int - left_place::int)
                  OVER (PARTITION BY merchant_id, key ORDER BY seq) AS taken
          FROM witness WHERE key <> '') AS one
 WHERE placed AND taken > key_limit AND seq > %(since)s
""",
    "a place given to a job that fell due after another one that was there": """
SELECT later.seq
  FROM witness AS later
  JOIN witness AS birth ON birth.job_id = later.job_id AND birth.was IS NULL
  JOIN witness AS earlier
    ON earlier.merchant_id = later.merchant_id AND earlier.key = later.key
   AND earlier.placed AND earlier.seq < later.seq AND earlier.seq > birth.seq
 WHERE later.placed AND later.key_limit = 1 AND later.seq > %(since)s
   AND (later.due, later.job_id) < (earlier.due, earlier.job_id)
""",
    "a start out of the order of the key's places": """
SELECT start.seq
  FROM witness AS start
 WHERE start.status = 'queued' AND start.key_limit = 1 AND start.key <> '' AND start.seq > %(since)s
   AND start.job_id IS DISTINCT FROM (
       SELECT place.job_id FROM witness AS place
        WHERE place.placed AND place.merchant_id = start.merchant_id AND place.key = start.key
          AND place.seq < start.seq
        ORDER BY place.seq DESC LIMIT 1)
""",
    "a start of a merchant that is suspended": """
SELECT seq FROM witness JOIN tenants_merchant AS merchant ON merchant.id = merchant_id
 WHERE status = 'queued' AND NOT merchant.active AND seq > %(since)s
""",
    "a job queued twice, or claimed without its ticket, or claimed uncounted": """
SELECT seq, was, status FROM witness
 WHERE seq > %(since)s
   AND ((status = 'queued' AND (was NOT IN ('scheduled', 'retryable') OR ticket IS NULL))
        OR (status = 'running' AND was <> status
            AND (was <> 'queued' OR ticket IS DISTINCT FROM had_ticket OR attempt <> earlier + 1))
        OR (status = 'running' AND was = status AND ticket IS DISTINCT FROM had_ticket))
""",
    "an attempt with two executions, or none": """
SELECT job_id, number
  FROM (SELECT job_id, attempt AS number, 1 AS ended FROM witness
         WHERE was = 'running' AND status <> was
         UNION ALL
        SELECT job_id, number, -1 FROM jobs_execution) AS one
 WHERE %(since)s IS NOT NULL
 GROUP BY job_id, number HAVING sum(ended) <> 0 OR count(*) <> 2
""",
    "a job that is on its way beside the rules' or the keys' order": """
SELECT id FROM jobs_job
 WHERE %(since)s IS NOT NULL AND status IN ('queued', 'running')
   AND (gate <> '' OR (concurrency_key <> '' AND NOT holds_place))
""",
}


class Witness:
    """Notes what happens from `with` on; `check` looks at what is new."""

    def __init__(self, *, lag: float) -> None:
        """`lag`: seconds by which a step's clock may be behind; so much more may a bucket have given."""
        self._lag = lag
        self._since = 0

    def __enter__(self) -> "Witness":
        with connection.cursor() as cursor:
            cursor.execute(SETUP)
        return self

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(TEARDOWN)

    def set_clock(self, now: datetime) -> None:
        """Say what time it is from here on."""
        self._ask("UPDATE witness_clock SET at = %(now)s RETURNING at", now=now)

    def check(self) -> None:
        """Fail when something happened that never may."""
        for what, query in NEVER.items():
            found = self._ask(query, since=self._since, lag=self._lag)
            assert not found, f"{what}: {found}"
        [(self._since,)] = self._ask("SELECT coalesce(max(seq), 0) FROM witness")

    def starts(self) -> int:
        """Return how often jobs were queued."""
        [(number,)] = self._ask("SELECT count(*) FROM witness WHERE status = 'queued'")
        return int(number)

    def _ask(self, query: str, **values: Any) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())
