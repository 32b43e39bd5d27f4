"""Blocked jobs that nobody would ever decide on: their parents' rows, or what ties them, are gone."""

# Index job_blocked, so many rows behind where the last look ended; then dependency_once and primary
# keys, row by row (LIMIT; see depending.SETTLE). Sound is who waits for somebody that exists and is
# marked: its end will be seen. A statement sees whole transactions only, so nothing half made or half
# settled is taken for an orphan.
LOOK_FOR_ORPHANS = """
WITH page AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE status = 'blocked'
       AND id > coalesce((SELECT orphans_after FROM jobs_watch WHERE id = 1),
                         '00000000-0000-0000-0000-000000000000')
     ORDER BY id
     LIMIT %(limit)s
)
SELECT count(*), (array_agg(page.id ORDER BY page.id DESC))[1],
       coalesce(array_agg(page.id) FILTER (WHERE arrows.open = 0 OR arrows.broken > 0), '{}')
  FROM page
 CROSS JOIN LATERAL (
       SELECT count(*) AS open,
              count(*) FILTER (WHERE parent.awaited IS NOT TRUE) AS broken
         FROM jobs_dependency AS dependency
         LEFT JOIN LATERAL (
              SELECT awaited FROM jobs_job WHERE id = dependency.parent_id LIMIT 1
              ) AS parent ON true
        WHERE dependency.child_id = page.id AND dependency.outcome = 'open'
       ) AS arrows
"""

GO_ON_BEHIND = """
UPDATE jobs_watch SET orphans_after = %(after)s
 WHERE id = 1 AND orphans_after IS DISTINCT FROM %(after)s::uuid
"""

# A parent that lost its mark gets it again, ended or not; whoever settles takes it off.
AWAIT_AGAIN = """
WITH parent AS MATERIALIZED (
    SELECT job.id
      FROM jobs_job AS job
     WHERE NOT job.awaited
       AND job.id = ANY(ARRAY(SELECT dependency.parent_id FROM jobs_dependency AS dependency
                               WHERE dependency.child_id = ANY(%(children)s)
                                 AND dependency.outcome = 'open'))
     ORDER BY job.id
       FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE jobs_job AS job
   SET awaited = true
  FROM parent
 WHERE job.id = parent.id
RETURNING job.id
"""

# How a parent ended whose row is gone nobody knows; that it is over is all that `finished` asks.
DECIDE_WITHOUT_PARENT = """
UPDATE jobs_dependency AS dependency
   SET outcome = CASE WHEN dependency.needs = 'finished' THEN 'met' ELSE 'unmet' END
 WHERE dependency.child_id = ANY(%(locked)s)
   AND dependency.outcome = (SELECT 'open')
   AND NOT EXISTS (SELECT FROM jobs_job AS parent WHERE parent.id = dependency.parent_id)
RETURNING dependency.id
"""

# Who needed more than the end of a parent that is gone, or draws on its results; and who waits for
# nobody knows whom. Of several the first is named.
SKIP_ORPHANS = """
WITH orphan AS MATERIALIZED (
    SELECT child.id, gone.id AS parent_id, gone.name, gone.needs, gone.outcome
      FROM unnest(%(locked)s::uuid[]) AS given(id)
      JOIN jobs_job AS child ON child.id = given.id
      LEFT JOIN LATERAL (
           SELECT dependency.parent_id AS id, dependency.name, dependency.needs, dependency.outcome
             FROM jobs_dependency AS dependency
            WHERE dependency.child_id = child.id
              AND NOT EXISTS (SELECT FROM jobs_job AS parent
                               WHERE parent.id = dependency.parent_id)
            ORDER BY dependency.outcome = 'unmet' DESC, dependency.id
            LIMIT 1
           ) AS gone ON true
     WHERE child.status = (SELECT 'blocked')
       AND (gone.outcome = 'unmet'
            OR (gone.id IS NOT NULL AND child.draws_on_parents)
            OR NOT EXISTS (SELECT FROM jobs_dependency AS any_at_all
                            WHERE any_at_all.child_id = child.id))
)
UPDATE jobs_job AS job
   SET status = 'skipped',
       finalized_at = %(now)s,
       skip_reason = CASE
           WHEN orphan.parent_id IS NULL THEN 'It waited for other jobs, and nothing tells any more '
               || 'for which. Retry it if it should run all the same.'
           ELSE 'It needed the '
               || CASE WHEN orphan.outcome = 'met' THEN 'result'
                       WHEN orphan.needs = 'failure' THEN 'failure' ELSE 'success' END
               || ' of ' || CASE WHEN orphan.name = orphan.parent_id::text THEN ''
                                 ELSE orphan.name || ', ' END
               || 'job ' || orphan.parent_id || ', which does not exist any more.' END
  FROM orphan
 WHERE job.id = orphan.id AND job.status = (SELECT 'blocked')
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""
