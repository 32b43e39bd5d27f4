"""The SQL by which webhooks forget what is old, and hold back hosts that take up too many places."""

# Indexes webhook_delivery_event, the primary key of events, and that of endpoints: from the oldest on.
FORGET_DELIVERIES = """
WITH old AS MATERIALIZED (
    SELECT id
      FROM alerts_webhookdelivery
     WHERE event_id < %(before)s
     ORDER BY event_id
     LIMIT %(limit)s
)
DELETE FROM alerts_webhookdelivery AS delivery USING old WHERE delivery.id = old.id
RETURNING delivery.id
"""

FORGET_EVENTS = """
WITH old AS MATERIALIZED (
    SELECT id
      FROM alerts_webhookevent
     WHERE id < %(before)s AND fanned_out
     ORDER BY id
     LIMIT %(limit)s
)
DELETE FROM alerts_webhookevent AS event USING old WHERE event.id = old.id
RETURNING event.id
"""

FORGET_ENDPOINTS = """
DELETE FROM alerts_webhookendpoint AS endpoint
 WHERE endpoint.deleted_at < %(before)s
   AND NOT EXISTS (SELECT FROM alerts_webhookdelivery AS delivery
                    WHERE delivery.endpoint_id = endpoint.id)
RETURNING endpoint.id
"""

# Indexes job_queued and job_running: what is in workers' hands at this moment, of whatever kind; bounded by the
# lanes' room. The id is the host's, so that LET_GO knows its own. A rule that is there already stays.
_ACTIVE = """
SELECT handler FROM jobs_job
 WHERE status = 'queued' AND merchant_id = %(platform)s AND kind = 'webhook' AND handler <> ''
 UNION ALL
SELECT handler FROM jobs_job
 WHERE status = 'running' AND merchant_id = %(platform)s AND kind = 'webhook' AND handler <> ''
"""
HOLD_BACK = f"""
INSERT INTO jobs_flow (
    id, merchant_id, set_by_operators, scope, name, most_active, rate_period, paused_by, pause_note,
    created_at)
SELECT md5('taskflow.webhooks ' || active.handler)::uuid, %(platform)s, true, 'handler', active.handler,
       %(most)s, 1, '', '', statement_timestamp()
  FROM ({_ACTIVE}) AS active
 GROUP BY active.handler
HAVING count(*) > %(most)s
    ON CONFLICT DO NOTHING
RETURNING id, name
"""  # noqa: S608 - constants only

# Index flow_once, then job_parked. One that an operator changed is theirs.
LET_GO = f"""
DELETE FROM jobs_flow AS flow
 WHERE flow.scope = 'handler' AND flow.merchant_id = %(platform)s AND flow.set_by_operators
   AND flow.id = md5('taskflow.webhooks ' || flow.name)::uuid
   AND flow.most_active = %(most)s AND flow.rate IS NULL AND flow.paused_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM jobs_job AS job
                    WHERE job.parked_by = flow.id
                      AND job.gate = 'parked' AND job.status IN ('scheduled', 'retryable'))
   AND (SELECT count(*) FROM ({_ACTIVE}) AS active WHERE active.handler = flow.name) < %(few)s
RETURNING flow.id, flow.name
"""  # noqa: S608 - constants only
