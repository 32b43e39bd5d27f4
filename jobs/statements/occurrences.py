"""A template's jobs as its recurrence manager sees them. Used by lifecycle.occurrences."""

from jobs.statements.steering import NEW_ROUND

# Index job_missable.
FIND_MISSED = """
SELECT job.id, job.merchant_id, job.template_id, job.occurrence_at, job.scheduled_at, job.missed_at
  FROM jobs_job AS job
 WHERE job.status = 'scheduled'
   AND job.attempt = 0
   AND job.missed_at IS NOT NULL
   AND job.missed_at <= (SELECT %(now)s::timestamptz)
   AND (SELECT merchant.active FROM tenants_merchant AS merchant
         WHERE merchant.id = job.merchant_id)
 ORDER BY job.missed_at, job.id
 LIMIT %(limit)s
"""

SKIP = """
WITH mine AS MATERIALIZED (
    SELECT job.id, given.reason
      FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS given(id, reason)
      JOIN jobs_job AS job ON job.id = given.id
     WHERE job.status = 'scheduled' AND job.attempt = 0
     ORDER BY job.id
       FOR UPDATE OF job
)
UPDATE jobs_job AS job
   SET status = 'skipped', finalized_at = %(now)s, skip_reason = mine.reason, gate = ''
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# The gate is shut again: while the job counted as missed, siblings did not wait for it.
RELEASE_MISSED = """
WITH mine AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE id = ANY(%(ids)s)
       AND status = 'scheduled' AND attempt = 0 AND missed_at IS NOT NULL
     ORDER BY id
       FOR UPDATE
)
UPDATE jobs_job AS job
   SET missed_at = NULL, gate = CASE WHEN job.overlap = '' THEN '' ELSE 'shut' END
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# Index job_template_unfinished. Waits for row locks: a row that a claim holds is running afterwards
# and no longer matches. A deleted job's ticket matches nothing, so its message is void.
WITHDRAW = """
WITH plans AS MATERIALIZED (
    SELECT job.id
      FROM unnest(%(template_ids)s::uuid[]) AS wanted(template_id)
      JOIN jobs_job AS job ON job.template_id = wanted.template_id
     WHERE job.status IN ('scheduled', 'queued')
       AND job.attempt = 0
       AND job.origin = 'template'
       AND job.occurrence_at IS NOT NULL
     ORDER BY job.id
       FOR UPDATE OF job
)
DELETE FROM jobs_job AS job
 USING plans
 WHERE job.id = plans.id
RETURNING job.template_id, job.occurrence_at
"""

# Index job_one_per_occurrence. The gate is as if the job had just been made.
MAKE_UP = f"""
WITH mine AS MATERIALIZED (
    SELECT job.id, given.due
      FROM unnest(%(occurrences)s::timestamptz[], %(dues)s::timestamptz[])
        AS given(occurrence_at, due)
      JOIN jobs_job AS job
        ON job.template_id = %(template_id)s AND job.occurrence_at = given.occurrence_at
     WHERE job.status = 'skipped'
     ORDER BY job.id
       FOR UPDATE OF job
)
UPDATE jobs_job AS job
       SET {NEW_ROUND},
           scheduled_at = mine.due,
           origin = %(origin)s,
           overlap = %(overlap)s::text,
           gate = CASE WHEN %(overlap)s::text = '' THEN '' ELSE 'shut' END,
           expires_at = CASE WHEN job.expires_at > mine.due THEN job.expires_at END
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""  # noqa: S608 - constants only

# Index job_template_unfinished.
CANCEL_PLANS = """
WITH mine AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE template_id = %(template_id)s
       AND status IN ('blocked', 'scheduled', 'queued', 'retryable')
     ORDER BY id
       FOR UPDATE
)
UPDATE jobs_job AS job
   SET status = 'cancelled', finalized_at = %(now)s, ticket = NULL, queue_lease_until = NULL,
       cancel_requested_at = coalesce(job.cancel_requested_at, %(now)s)
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# Index job_template_unfinished.
FIND_MISSED_OF = """
SELECT job.id, job.merchant_id, job.template_id, job.occurrence_at, job.scheduled_at, job.missed_at
  FROM jobs_job AS job
 WHERE job.template_id = ANY(%(template_ids)s)
   AND job.status = 'scheduled'
   AND job.attempt = 0
   AND job.missed_at <= %(now)s
 ORDER BY job.scheduled_at, job.id
"""
