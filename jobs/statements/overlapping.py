"""Jobs behind a gate: undecided, or waiting for a sibling to end. Used by settle_overlaps.

A sibling is *going* when it is past its gate and queued, running, between two attempts, or due; not
when it was missed and waits for its template's misfire policy. Index job_template_unfinished holds
a template's unfinished jobs by gate, so its plans and its history cost nothing here.
"""

# Index job_shut, and whether job_held is empty. All that a step costs when no such job is due.
ANYTHING = """
SELECT (SELECT true
          FROM jobs_job AS job
         WHERE job.gate = 'shut'
           AND job.status = 'scheduled'
           AND job.scheduled_at <= %(now)s
           AND (job.missed_at IS NULL OR job.missed_at > %(now)s)
           AND (job.expires_at IS NULL OR job.expires_at > %(now)s)
           AND (SELECT merchant.active FROM tenants_merchant AS merchant
                 WHERE merchant.id = job.merchant_id)
         ORDER BY job.scheduled_at
         LIMIT 1) IS NOT NULL
    OR (SELECT true
          FROM jobs_job
         WHERE gate = 'held' AND status = 'scheduled'
         ORDER BY template_id
         LIMIT 1) IS NOT NULL
"""

# Its own statement: the next one's snapshot must see what the lock's last holder committed.
LOCK = "SELECT pg_advisory_xact_lock(%(lock)s)"

# Index job_held, hopping from template to template: the cost is in templates that hold jobs, not in
# the thousands of jobs that a backfill may hold. The earliest of each goes when no sibling does.
RELEASE = """
WITH RECURSIVE holding(template_id) AS (
    (SELECT template_id
       FROM jobs_job
      WHERE gate = 'held' AND status = 'scheduled'
      ORDER BY template_id
      LIMIT 1)
    UNION ALL
    SELECT (SELECT job.template_id
              FROM jobs_job AS job
             WHERE job.gate = 'held' AND job.status = 'scheduled'
               AND job.template_id > holding.template_id
             ORDER BY job.template_id
             LIMIT 1)
      FROM holding
     WHERE holding.template_id IS NOT NULL
), next AS MATERIALIZED (
    SELECT candidate.id
      FROM holding
     CROSS JOIN LATERAL (
           SELECT job.id
             FROM jobs_job AS job
            WHERE job.gate = 'held'
              AND job.status = 'scheduled'
              AND job.template_id = holding.template_id
              AND (SELECT merchant.active FROM tenants_merchant AS merchant
                    WHERE merchant.id = job.merchant_id)
            ORDER BY job.occurrence_at, job.id
            LIMIT 1
              FOR UPDATE OF job SKIP LOCKED
           ) AS candidate
     WHERE holding.template_id IS NOT NULL
       AND (SELECT true
              FROM jobs_job AS sibling
             WHERE sibling.template_id = holding.template_id
               AND sibling.gate = ''
               AND sibling.status IN ('scheduled', 'queued', 'running', 'retryable')
               AND (sibling.status <> 'scheduled'
                    OR sibling.attempt > 0
                    OR (sibling.scheduled_at <= %(now)s
                        AND (sibling.missed_at IS NULL OR sibling.missed_at > %(now)s)))
             ORDER BY sibling.occurrence_at
             LIMIT 1) IS NULL
)
UPDATE jobs_job AS job
   SET gate = ''
  FROM next
 WHERE job.id = next.id AND job.gate = 'held' AND job.status = 'scheduled'
RETURNING job.id
"""

# Index job_shut. What is locked by somebody else (a person cancels it) is looked at the next time.
FIND_SHUT = """
WITH due AS MATERIALIZED (
    SELECT job.id, job.template_id, job.occurrence_at, job.overlap
      FROM jobs_job AS job
     WHERE job.gate = 'shut'
       AND job.status = 'scheduled'
       AND job.scheduled_at <= %(now)s
       AND (job.missed_at IS NULL OR job.missed_at > %(now)s)
       AND (job.expires_at IS NULL OR job.expires_at > %(now)s)
       AND (SELECT merchant.active FROM tenants_merchant AS merchant
             WHERE merchant.id = job.merchant_id)
     ORDER BY job.scheduled_at, job.occurrence_at, job.id
     LIMIT %(limit)s
       FOR UPDATE OF job SKIP LOCKED
)
SELECT due.id, due.template_id, due.occurrence_at, due.overlap,
       going.id IS NOT NULL, going.occurrence_at,
       EXISTS (SELECT FROM jobs_job AS other
                WHERE other.gate = 'held' AND other.status = 'scheduled'
                  AND other.template_id = due.template_id),
       EXISTS (SELECT FROM jobs_job AS other
                WHERE other.gate = 'held' AND other.status = 'scheduled'
                  AND other.template_id = due.template_id AND other.overlap = 'queue_one')
  FROM due
  LEFT JOIN LATERAL (
       SELECT sibling.id, sibling.occurrence_at
         FROM jobs_job AS sibling
        WHERE sibling.template_id = due.template_id
          AND sibling.gate = ''
          AND sibling.status IN ('scheduled', 'queued', 'running', 'retryable')
          AND (sibling.status <> 'scheduled'
               OR sibling.attempt > 0
               OR (sibling.scheduled_at <= %(now)s
                   AND (sibling.missed_at IS NULL OR sibling.missed_at > %(now)s)))
        ORDER BY sibling.occurrence_at DESC
        LIMIT 1
       ) AS going ON true
"""

# The decisions on what FIND_SHUT locked. A held job waits by its template's wish: it cannot be
# missed any more.
SETTLE = """
WITH decided AS MATERIALIZED (
    SELECT job.id, given.gate, given.skip, given.reason
      FROM jobs_job AS job
      JOIN unnest(%(ids)s::uuid[], %(gates)s::text[], %(skips)s::boolean[], %(reasons)s::text[])
        AS given(id, gate, skip, reason)
        ON job.id = given.id
     WHERE job.gate = 'shut' AND job.status = 'scheduled'
)
UPDATE jobs_job AS job
   SET gate = decided.gate,
       status = CASE WHEN decided.skip THEN 'skipped' ELSE 'scheduled' END,
       finalized_at = CASE WHEN decided.skip THEN %(now)s END,
       skip_reason = left(decided.reason, 200),
       missed_at = CASE WHEN decided.gate = 'held' THEN NULL ELSE job.missed_at END
  FROM decided
 WHERE job.id = decided.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status,
          job.template_id, job.occurrence_at, job.skip_reason
"""

# Index job_held_cancelling. Asked at every step for as long as the job is held, so a sibling that
# is locked now, or starts later, is reached as well. Of several that wait the latest stays.
MAKE_WAY = """
WITH latest AS MATERIALIZED (
    SELECT DISTINCT ON (template_id) id, template_id, occurrence_at
      FROM jobs_job
     WHERE gate = 'held' AND overlap = 'cancel_running' AND status = 'scheduled'
     ORDER BY template_id, occurrence_at DESC, id DESC
), theirs AS MATERIALIZED (
    SELECT sibling.id, latest.occurrence_at AS for_occurrence
      FROM latest
      JOIN jobs_job AS sibling ON sibling.template_id = latest.template_id
     WHERE sibling.id <> latest.id
       AND sibling.cancel_requested_at IS NULL
       AND sibling.status IN ('scheduled', 'queued', 'running', 'retryable')
       AND ((sibling.gate = 'held' AND sibling.overlap = 'cancel_running')
            OR (sibling.gate = ''
                AND (sibling.status <> 'scheduled'
                     OR sibling.attempt > 0
                     OR (sibling.scheduled_at <= %(now)s
                         AND (sibling.missed_at IS NULL OR sibling.missed_at > %(now)s)))))
     ORDER BY sibling.id
       FOR UPDATE OF sibling SKIP LOCKED
)
UPDATE jobs_job AS job
   SET status = CASE WHEN job.status = 'running' THEN 'running' ELSE 'cancelled' END,
       finalized_at = CASE WHEN job.status = 'running' THEN NULL ELSE %(now)s END,
       cancel_requested_at = %(now)s,
       ticket = CASE WHEN job.status = 'running' THEN job.ticket END,
       queue_lease_until = NULL,
       skip_reason = CASE WHEN job.status = 'running' THEN '' ELSE coalesce(
           'The run of ' || to_char(theirs.for_occurrence AT TIME ZONE 'UTC',
                                    'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'A later run') || ' fell due; its template then cancels what has not ended.' END
  FROM theirs
 WHERE job.id = theirs.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status,
          job.template_id, job.occurrence_at, job.skip_reason, job.attempt
"""
