"""Jobs that waited too long for a host that does not answer. Used by the watcher."""

from tenants.platform import PLATFORM_ID

# What the platform sends for itself, the deliveries of webhooks, waits for a week at least: their schedule
# is one of days, and an endpoint that fails for days is disabled before.
_PATIENCE = f"""make_interval(secs => CASE WHEN breaker.merchant_id = '{PLATFORM_ID}'
                                  THEN greatest(%(patience)s::float8, 604800)
                                  ELSE %(patience)s END)"""

# Patience counts from when the job was stopped first, and the host was tried again and again from then on,
# up to the last try in vain. Not up to now: while nobody tries a host (its merchant is suspended, no worker
# lives, the platform was away), its silence says nothing. `job` and `breaker` are in scope.
_OUT_OF_PATIENCE = f"""breaker.recovering_at IS NULL
       AND breaker.tried_since <= breaker.tried_at - {_PATIENCE}
       AND job.unanswered_since <= breaker.tried_at - {_PATIENCE}"""

# Index breaker_open finds hosts that were given up so long ago, nothing in an idle step; index
# job_unanswered those who waited for one, the longest waiting first, and nobody else of its line; index
# job_spared those who tried it themselves: one that always comes back when the pause is over is in no line.
FIND_UNANSWERED = f"""
SELECT waiting.id, breaker.id
  FROM jobs_breaker AS breaker
 CROSS JOIN LATERAL (
       (SELECT job.id
         FROM jobs_job AS job
        WHERE job.gate = 'parked'
          AND job.status IN ('scheduled', 'retryable')
          AND job.parked_by = breaker.id
          AND {_OUT_OF_PATIENCE}
        ORDER BY job.unanswered_since, job.id
        LIMIT %(limit)s)
        UNION ALL
       (SELECT job.id
         FROM jobs_job AS job
        WHERE job.gate = ''
          AND job.status = 'retryable'
          AND job.merchant_id = breaker.merchant_id
          AND job.handler = breaker.handler
          AND {_OUT_OF_PATIENCE}
        ORDER BY job.unanswered_since, job.id
        LIMIT %(limit)s)
       ) AS waiting
 WHERE breaker.opened_at <= %(now)s::timestamptz - make_interval(secs => %(patience)s)
 LIMIT %(limit)s
"""  # noqa: S608 - constants only

# Guarded by all that FIND_UNANSWERED asked for. A job that somebody else holds is left to them: it goes
# to the queue, or is looked at again. A dead letter is written by the statement that fails the job.
ABANDON = f"""
WITH mine AS MATERIALIZED (
    SELECT job.id, breaker.opened_at, breaker.error_code AS last_error
      FROM unnest(%(ids)s::uuid[], %(breakers)s::uuid[]) AS given(id, breaker_id)
      JOIN jobs_job AS job ON job.id = given.id
      JOIN jobs_breaker AS breaker ON breaker.id = given.breaker_id
     WHERE (job.gate = (SELECT 'parked') AND job.parked_by = breaker.id
            AND job.status IN ('scheduled', 'retryable')
            OR job.gate = (SELECT '') AND job.status = (SELECT 'retryable')
               AND job.merchant_id = breaker.merchant_id AND job.handler = breaker.handler)
       AND {_OUT_OF_PATIENCE}
     ORDER BY job.id
       FOR UPDATE OF job SKIP LOCKED
), abandoned AS (
    UPDATE jobs_job AS job
       SET status = 'failed', finalized_at = %(now)s,
           gate = '', parked_by = NULL, parked_rank = NULL
      FROM mine
     WHERE job.id = mine.id
    RETURNING job.id, job.merchant_id, job.kind, job.handler, job.lane, job.status, job.attempt,
              job.unanswered_since, mine.opened_at, mine.last_error
), letters AS (
    INSERT INTO jobs_deadletter (job_id, merchant_id, kind, handler, error_code, error_message,
                                 fingerprint, attempts, created_at, resolution, resolved_by, reason)
    SELECT id, merchant_id, kind, handler, 'host_gone',
           handler || ' has not answered since '
           || to_char(opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
           || ' (' || last_error || '); the job has waited for it since '
           || to_char(unanswered_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
           || '. Redrive it when the host answers again.',
           left(encode(sha256(convert_to(kind || chr(31) || handler || chr(31) || 'host_gone', 'UTF8')),
                       'hex'), 16),
           attempt, %(now)s, '', '', ''
      FROM abandoned
    ON CONFLICT (job_id) WHERE resolution = '' DO NOTHING
)
SELECT id, merchant_id, kind, lane, status FROM abandoned
"""  # noqa: S608 - constants only
