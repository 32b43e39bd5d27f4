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

# Whoever stands in the line of a concurrency key, or has a place of it, cannot be missed any more.
SKIP = """
WITH mine AS MATERIALIZED (
    SELECT job.id, given.reason
      FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS given(id, reason)
      JOIN jobs_job AS job ON job.id = given.id
     WHERE job.status = 'scheduled' AND job.attempt = 0
       AND NOT job.in_line AND NOT job.holds_place
     ORDER BY job.id
       FOR UPDATE OF job
)
UPDATE jobs_job AS job
   SET status = 'skipped', finalized_at = %(now)s, skip_reason = mine.reason, gate = ''
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# The gate is as if the job had just been made: while it counted as missed, siblings did not wait for it.
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
   SET missed_at = NULL,
       gate = CASE WHEN job.overlap <> '' THEN 'shut'
                   WHEN job.concurrency_key <> '' THEN 'keyed'
                   ELSE '' END
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# Index job_template_unfinished. Waits for row locks: a row that a claim holds is running afterwards
# and no longer matches. A deleted job's ticket matches nothing, so its message is void. One that has a
# place of its concurrency key is not deleted but ends: the row tells the line that the place is free. So
# does the first in line of each key, behind which others may have waited. Its nominal moment is the next
# plan's.
WITHDRAW = """
WITH plans AS MATERIALIZED (
    SELECT job.id, job.holds_place, job.in_line, job.merchant_id, job.concurrency_key, job.scheduled_at
      FROM unnest(%(template_ids)s::uuid[]) AS wanted(template_id)
      JOIN jobs_job AS job ON job.template_id = wanted.template_id
     WHERE job.status IN ('scheduled', 'queued')
       AND job.attempt = 0
       AND job.origin = 'template'
       AND job.occurrence_at IS NOT NULL
     ORDER BY job.id
       FOR UPDATE OF job
), telling AS MATERIALIZED (
    SELECT id FROM plans WHERE holds_place
     UNION ALL
    (SELECT DISTINCT ON (merchant_id, concurrency_key) id
       FROM plans
      WHERE in_line
      ORDER BY merchant_id, concurrency_key, scheduled_at, id)
), ended AS (
    UPDATE jobs_job AS job
       SET status = 'cancelled', finalized_at = statement_timestamp(), ticket = NULL,
           queue_lease_until = NULL, occurrence_at = NULL, missed_at = NULL,
           skip_reason = 'Its template was planned anew before it started.'
      FROM telling
     WHERE job.id = telling.id
    RETURNING job.template_id, old.occurrence_at, job.id, job.merchant_id, job.kind, job.lane,
              job.status
), gone AS (
    DELETE FROM jobs_job AS job
     USING plans
     WHERE job.id = plans.id AND plans.id NOT IN (SELECT id FROM telling)
    RETURNING job.template_id, job.occurrence_at
)
SELECT template_id, occurrence_at, id, merchant_id, kind, lane, status FROM ended
 UNION ALL
SELECT template_id, occurrence_at, NULL, NULL, NULL, NULL, NULL FROM gone
"""

# Index job_one_per_occurrence. The gate is as if the job had just been made. One whose place was not
# given on yet keeps telling the line of it.
MAKE_UP = f"""
WITH mine AS MATERIALIZED (
    SELECT job.id, given.due
      FROM unnest(%(occurrences)s::timestamptz[], %(dues)s::timestamptz[])
        AS given(occurrence_at, due)
      JOIN jobs_job AS job
        ON job.template_id = %(template_id)s AND job.occurrence_at = given.occurrence_at
     WHERE job.status = 'skipped' AND NOT job.holds_place
     ORDER BY job.id
       FOR UPDATE OF job
)
UPDATE jobs_job AS job
       SET {NEW_ROUND},
           scheduled_at = mine.due,
           origin = %(origin)s,
           overlap = %(overlap)s::text,
           gate = CASE WHEN %(overlap)s::text <> '' THEN 'shut'
                       WHEN job.concurrency_key <> '' THEN 'keyed'
                       ELSE '' END,
           in_line = false,
           tells_line = job.tells_line OR job.gate = 'keyed',
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
