"""The statements of a redrive's step. Each costs what is due of it, not what it has in all."""

# Who steps a redrive holds its row to the end of the transaction; others take the next one. What was
# stepped at this moment is passed over, so that a step ends; a moment to come is of a clock that was set
# back since. Index redrive_unfinished.
TAKE = """
SELECT id
  FROM jobs_redrive
 WHERE state <> 'done'
   AND (state = 'running' OR redriven > succeeded + failed + cancelled)
   AND (stepped_at IS NULL
        OR stepped_at < %(now)s
        OR stepped_at > %(now)s + interval '1 minute')
 ORDER BY stepped_at NULLS FIRST
 LIMIT 1
   FOR UPDATE SKIP LOCKED
"""

# What was redriven and has ended since: index redrive_item_going, then the jobs by their ids; the archive
# is asked for those only that are not there. A job that was forgotten ended somehow.
SETTLE = """
WITH ended AS MATERIALIZED (
    SELECT item.id,
           CASE coalesce(job.status, archived.status)
                           WHEN 'succeeded' THEN 'succeeded'
                           WHEN 'failed' THEN 'failed'
                           ELSE 'cancelled' END AS state
      FROM jobs_redriveitem AS item
      LEFT JOIN jobs_job AS job ON job.id = item.job_id
      LEFT JOIN LATERAL (
           SELECT status FROM jobs_archivedjob WHERE job.id IS NULL AND id = item.job_id LIMIT 1
           ) AS archived ON true
     WHERE item.redrive_id = %(redrive)s
       AND item.state = 'going'
       AND (job.id IS NULL OR job.finalized_at IS NOT NULL)
     ORDER BY item.position
     LIMIT %(limit)s
)
UPDATE jobs_redriveitem AS item
   SET state = ended.state
  FROM ended
 WHERE item.id = ended.id AND item.state = 'going'
RETURNING item.state, item.position, item.job_id
"""

# Index dead_letter_one_open_per_job.
NEW_ERROR = """
SELECT error_code, error_message
  FROM jobs_deadletter
 WHERE job_id = %(job)s AND resolution = ''
"""

# The next ones in order, and whether their letters are still open: index redrive_item_waiting.
NEXT = """
SELECT item.id, item.letter_id, item.job_id, coalesce(letter.resolution, 'forgotten')
  FROM jobs_redriveitem AS item
  LEFT JOIN jobs_deadletter AS letter ON letter.id = item.letter_id
 WHERE item.redrive_id = %(redrive)s AND item.state = 'waiting'
 ORDER BY item.position
 LIMIT %(limit)s
"""

MARK = """
UPDATE jobs_redriveitem AS item
   SET state = given.state, note = given.note
  FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(notes)s::text[]) AS given(id, state, note)
 WHERE item.id = given.id AND item.state = 'waiting'
"""

# Merchant by merchant, since each keeps them for as long as it chose: index dead_letter_resolved.
FORGET = """
DELETE FROM jobs_deadletter
 WHERE id IN (
       SELECT old.id
         FROM tenants_merchant AS merchant
        CROSS JOIN LATERAL (
              SELECT letter.id
                FROM jobs_deadletter AS letter
               WHERE letter.merchant_id = merchant.id
                 AND letter.resolution <> ''
                 AND letter.resolved_at < %(now)s - merchant.dead_letter_days * interval '1 day'
               ORDER BY letter.resolved_at
               LIMIT %(limit)s
              ) AS old
        LIMIT %(limit)s)
RETURNING 1
"""

# The letters' parts of redrives that are done, as long as the letters themselves: index redrive_item_order.
FORGET_ITEMS = """
DELETE FROM jobs_redriveitem
 WHERE id IN (
       SELECT item.id
         FROM jobs_redrive AS redrive
         JOIN tenants_merchant AS merchant ON merchant.id = redrive.merchant_id
         JOIN jobs_redriveitem AS item ON item.redrive_id = redrive.id
        WHERE redrive.finished_at < %(now)s - merchant.dead_letter_days * interval '1 day'
        LIMIT %(limit)s)
RETURNING 1
"""
