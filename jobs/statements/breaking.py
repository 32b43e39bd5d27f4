"""Hosts that do not answer: one row each until they have recovered (model Breaker).

Sets are locked by merchant and handler. What was read of a host that is given up is still true as long
as its `probe_at` is the same: that is what an update compares.
"""

# The primary key's range a host; there is nothing to find unless one failed of late.
KEPT = """
SELECT breaker.id, breaker.merchant_id, breaker.handler, breaker.probe_at
  FROM unnest(%(merchants)s::uuid[], %(handlers)s::text[]) AS given(merchant_id, handler)
  JOIN jobs_breaker AS breaker
    ON breaker.merchant_id = given.merchant_id AND breaker.handler = given.handler
"""

# Of hosts that are not given up.
NOTE_UP = """
WITH mine AS MATERIALIZED (
    SELECT breaker.id
      FROM jobs_breaker AS breaker
     WHERE breaker.id = ANY(%(ids)s::uuid[]) AND breaker.opened_at IS NULL
     ORDER BY breaker.merchant_id, breaker.handler
       FOR UPDATE OF breaker
)
DELETE FROM jobs_breaker AS breaker
 USING mine
 WHERE breaker.id = mine.id
RETURNING breaker.id
"""

# The same. Should somebody have given one up meanwhile, these calls were under way by then.
NOTE_DOWN = """
INSERT INTO jobs_breaker AS breaker (
    id, merchant_id, handler, failures, probes, error_code, changed_at, opened_at, probe_at,
    tried_since, tried_at, answers)
SELECT uuidv7(), merchant_id, handler, failures, 0, code, statement_timestamp(),
       CASE WHEN failures >= %(most)s THEN statement_timestamp() END,
       CASE WHEN failures >= %(most)s
            THEN statement_timestamp() + make_interval(secs => %(pause)s) END,
       CASE WHEN failures >= %(most)s THEN statement_timestamp() END,
       CASE WHEN failures >= %(most)s THEN statement_timestamp() END,
       0
  FROM unnest(%(merchants)s::uuid[], %(handlers)s::text[], %(failures)s::integer[],
              %(codes)s::text[])
    AS given(merchant_id, handler, failures, code)
 ORDER BY merchant_id, handler
ON CONFLICT (merchant_id, handler) DO UPDATE
   SET failures = least(breaker.failures + excluded.failures, 1000000),
       error_code = excluded.error_code,
       changed_at = excluded.changed_at,
       opened_at = CASE WHEN breaker.failures + excluded.failures >= %(most)s
                        THEN coalesce(breaker.opened_at, excluded.changed_at)
                        ELSE breaker.opened_at END,
       probe_at = CASE WHEN breaker.opened_at IS NULL
                        AND breaker.failures + excluded.failures >= %(most)s
                       THEN excluded.changed_at + make_interval(secs => %(pause)s)
                       ELSE breaker.probe_at END,
       tried_since = CASE WHEN breaker.failures + excluded.failures >= %(most)s
                          THEN coalesce(breaker.tried_since, excluded.changed_at)
                          ELSE breaker.tried_since END,
       tried_at = CASE WHEN breaker.failures + excluded.failures >= %(most)s
                       THEN coalesce(breaker.tried_at, excluded.changed_at)
                       ELSE breaker.tried_at END
RETURNING merchant_id, handler, opened_at IS NOT NULL
"""

# Of hosts that are given up. A call that tried one failed: the pause is twice as long as the last one,
# and begins with the shortest for one that had answered. Others only add to the failures. After a silence
# that is longer than what this call may have taken and what else may lie between two, patience begins anew.
NOTE_AGAIN = """
WITH mine AS MATERIALIZED (
    SELECT breaker.id, given.failures, given.code, given.reopens,
           breaker.recovering_at IS NOT NULL
           OR given.reopens
              AND breaker.tried_at < statement_timestamp()
                                     - make_interval(secs => given.timeout + %(silence)s) AS anew,
           least(breaker.probes + (given.reopens AND breaker.recovering_at IS NULL)::integer,
                 1000) AS probes
      FROM unnest(%(ids)s::uuid[], %(probes_at)s::timestamptz[], %(failures)s::integer[],
                  %(codes)s::text[], %(reopens)s::boolean[], %(timeouts)s::float8[])
        AS given(id, probe_at, failures, code, reopens, timeout)
      JOIN jobs_breaker AS breaker
        ON breaker.id = given.id AND breaker.probe_at = given.probe_at
     WHERE given.reopens OR breaker.recovering_at IS NULL
     ORDER BY breaker.merchant_id, breaker.handler
       FOR UPDATE OF breaker
)
UPDATE jobs_breaker AS breaker
   SET failures = least(breaker.failures + mine.failures, 1000000),
       error_code = mine.code,
       changed_at = statement_timestamp(),
       probes = mine.probes,
       opened_at = CASE WHEN breaker.recovering_at IS NULL THEN breaker.opened_at
                        ELSE statement_timestamp() END,
       probe_at = CASE WHEN mine.reopens
                       THEN statement_timestamp() + make_interval(secs => least(
                            %(longest)s::float8, %(pause)s::float8 * 2 ^ least(mine.probes, 20)))
                       ELSE breaker.probe_at END,
       tried_since = CASE WHEN mine.anew THEN statement_timestamp() ELSE breaker.tried_since END,
       tried_at = CASE WHEN mine.reopens THEN statement_timestamp() ELSE breaker.tried_at END,
       recovering_at = NULL,
       answers = 0
  FROM mine
 WHERE breaker.id = mine.id
RETURNING breaker.id
"""

# Of hosts that are given up: calls that tried them were answered.
NOTE_ANSWERS = """
WITH mine AS MATERIALIZED (
    SELECT breaker.id, given.answers
      FROM unnest(%(ids)s::uuid[], %(probes_at)s::timestamptz[], %(answers)s::integer[])
        AS given(id, probe_at, answers)
      JOIN jobs_breaker AS breaker
        ON breaker.id = given.id AND breaker.probe_at = given.probe_at
     ORDER BY breaker.merchant_id, breaker.handler
       FOR UPDATE OF breaker
)
UPDATE jobs_breaker AS breaker
   SET answers = least(breaker.answers + mine.answers, 1000000),
       failures = 0,
       probes = 0,
       recovering_at = coalesce(breaker.recovering_at, statement_timestamp()),
       changed_at = statement_timestamp()
  FROM mine
 WHERE breaker.id = mine.id
RETURNING breaker.id
"""

# After NOTE_ANSWERS, in a statement of its own: whoever wrote the last answer sees those of all. A line
# is one range of the index job_parked.
CLOSE = """
WITH mine AS MATERIALIZED (
    SELECT breaker.id
      FROM jobs_breaker AS breaker
     WHERE breaker.id = ANY(%(ids)s::uuid[])
       AND breaker.recovering_at IS NOT NULL
       AND (breaker.answers + 1 >= %(unbound)s
            OR (SELECT true
                  FROM jobs_job AS job
                 WHERE job.gate = 'parked' AND job.status IN ('scheduled', 'retryable')
                   AND job.parked_by = breaker.id
                 ORDER BY job.merchant_id, job.lane
                 LIMIT 1) IS NULL)
     ORDER BY breaker.merchant_id, breaker.handler
       FOR UPDATE OF breaker
)
DELETE FROM jobs_breaker AS breaker
 USING mine
 WHERE breaker.id = mine.id
RETURNING breaker.id
"""

_OPEN = """
SELECT breaker.id, breaker.merchant_id, breaker.handler, breaker.probe_at, breaker.answers
"""
# Those of a line; whatever is not found any more has closed.
OPEN = f"""{_OPEN}
  FROM jobs_breaker AS breaker
 WHERE breaker.id = ANY(%(ids)s::uuid[]) AND breaker.opened_at IS NOT NULL
"""
OPEN_FOR = f"""{_OPEN}
  FROM unnest(%(merchants)s::uuid[], %(handlers)s::text[]) AS given(merchant_id, handler)
  JOIN jobs_breaker AS breaker
    ON breaker.merchant_id = given.merchant_id AND breaker.handler = given.handler
 WHERE breaker.opened_at IS NOT NULL
"""

# Index breaker_changed. Rows that a worker holds are skipped, and those that it has just changed are looked
# at as they are now: they are not old any more. Who gets in line meanwhile is in the line of a rule that
# is no more, and let out of it.
FORGET = """
WITH old AS MATERIALIZED (
    SELECT breaker.id
      FROM jobs_breaker AS breaker
     WHERE breaker.changed_at <= %(before)s
       AND (SELECT true
              FROM jobs_job AS job
             WHERE job.gate = 'parked' AND job.status IN ('scheduled', 'retryable')
               AND job.parked_by = breaker.id
             ORDER BY job.merchant_id, job.lane
             LIMIT 1) IS NULL
     ORDER BY breaker.changed_at
     LIMIT %(limit)s
       FOR UPDATE OF breaker SKIP LOCKED
)
DELETE FROM jobs_breaker AS breaker
 USING old
 WHERE breaker.id = old.id
RETURNING breaker.id
"""
