"""Deliveries: how their jobs ended."""

# Index delivery_pending: messages that nobody knows the end of, and a probe of each one's job, in the archive
# as well: nobody may have looked for a day. A job that is gone was deleted by an operator.
SETTLE = """
WITH ended AS MATERIALIZED (
    SELECT delivery.id,
           CASE WHEN job.status = 'succeeded' THEN 'sent' ELSE 'failed' END AS state,
           CASE WHEN job.status = 'succeeded' THEN ''
                ELSE coalesce((SELECT left(letter.error_message, 500)
                                 FROM jobs_deadletter AS letter
                                WHERE letter.job_id = job.id
                                ORDER BY letter.id DESC LIMIT 1), 'The job was stopped.') END AS error
      FROM alerts_delivery AS delivery
      LEFT JOIN LATERAL (
           SELECT id, status, finalized_at FROM jobs_anyjob WHERE id = delivery.job_id LIMIT 1
           ) AS job ON true
     WHERE delivery.state = 'pending' AND (job.id IS NULL OR job.finalized_at IS NOT NULL)
     ORDER BY delivery.id
     LIMIT %(limit)s
       FOR UPDATE OF delivery SKIP LOCKED
)
UPDATE alerts_delivery AS delivery
   SET state = ended.state, error = ended.error, ended_at = %(now)s
  FROM ended
 WHERE delivery.id = ended.id AND delivery.state = 'pending'
RETURNING delivery.id, delivery.state, delivery.incidents
"""

# Of incidents one of whose messages failed for good: those of which no message arrived or is on its way.
# Nobody knows of them, so the policy's next step is taken at once, but once only. The deliveries of an incident are
# found by index delivery_incidents.
NOBODY_TOLD = """
UPDATE alerts_incident AS incident
   SET untold_at = %(now)s,
       next_notice_at = CASE WHEN state = 'open' AND next_notice_at > %(now)s THEN %(now)s
                             ELSE next_notice_at END
 WHERE incident.id = ANY(%(ids)s::uuid[]) AND incident.untold_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM alerts_delivery AS delivery
                    WHERE delivery.incidents @> ARRAY[incident.id]
                      AND delivery.state IN ('sent', 'pending'))
RETURNING incident.id
"""

# Somebody was told after all.
SOMEBODY_TOLD = """
UPDATE alerts_incident SET untold_at = NULL
 WHERE id = ANY(%(ids)s::uuid[]) AND untold_at IS NOT NULL
"""
