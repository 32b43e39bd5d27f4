"""Hosts that do not answer: one row each while failures follow one another (model Breaker)."""

# In one order, as every set. Failures of calls that were under way when it opened change nothing; that
# of a probe doubles the pause. Told to be more patient than the one who opened it, a worker closes it.
NOTE_DOWN = """
INSERT INTO jobs_breaker AS breaker (
    id, merchant_id, handler, failures, probes, error_code, changed_at, opened_at, probe_at)
SELECT uuidv7(), merchant_id, handler, failures, 0, code, statement_timestamp(),
       CASE WHEN failures >= %(most)s THEN statement_timestamp() END,
       CASE WHEN failures >= %(most)s
            THEN statement_timestamp() + make_interval(secs => %(pause)s) END
  FROM unnest(%(merchants)s::uuid[], %(handlers)s::text[], %(failures)s::integer[],
              %(codes)s::text[])
    AS given(merchant_id, handler, failures, code)
 ORDER BY merchant_id, handler
ON CONFLICT (merchant_id, handler) DO UPDATE
   SET failures = least(breaker.failures + excluded.failures, 1000000),
       error_code = excluded.error_code,
       changed_at = excluded.changed_at,
       opened_at = CASE WHEN breaker.failures + excluded.failures >= %(most)s
                        THEN coalesce(breaker.opened_at, excluded.changed_at) END,
       probes = least(breaker.probes
                      + CASE WHEN breaker.probe_at <= excluded.changed_at THEN 1 ELSE 0 END, 1000),
       probe_at = CASE WHEN breaker.failures + excluded.failures < %(most)s THEN NULL
                       WHEN breaker.probe_at > excluded.changed_at THEN breaker.probe_at
                       ELSE excluded.changed_at + make_interval(secs => least(
                            %(longest)s,
                            %(pause)s * CASE WHEN breaker.opened_at IS NULL THEN 1
                                             ELSE 2 ^ least(breaker.probes + 1, 20) END)) END
RETURNING merchant_id, handler, opened_at IS NOT NULL
"""

# The primary key's range a host; there is nothing to find unless one failed of late.
NOTE_UP = """
WITH up AS MATERIALIZED (
    SELECT breaker.id
      FROM unnest(%(merchants)s::uuid[], %(handlers)s::text[]) AS given(merchant_id, handler)
      JOIN jobs_breaker AS breaker
        ON breaker.merchant_id = given.merchant_id AND breaker.handler = given.handler
     ORDER BY breaker.merchant_id, breaker.handler
       FOR UPDATE OF breaker
)
DELETE FROM jobs_breaker AS breaker
 USING up
 WHERE breaker.id = up.id
RETURNING breaker.opened_at IS NOT NULL
"""

_OPEN = """
SELECT breaker.id, breaker.merchant_id, breaker.handler, breaker.probe_at
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
