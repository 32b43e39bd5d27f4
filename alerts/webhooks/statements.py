"""The SQL of outgoing webhooks, named and in one place. Values travel beside it (tenants.statement)."""

# Primary key. A trigger of the endpoints' table moves it with each change of who listens to what, in the same
# transaction; read before AUDIENCE.
AUDIENCE_VERSION = "SELECT position FROM alerts_cursor WHERE stream = 'audience'"

# Index webhook_endpoint_on, which holds the endpoints that nobody switched off. One that was disabled since it
# failed is among them: what happens until it is mended is kept for it.
AUDIENCE = """
SELECT endpoint.merchant_id, endpoint.events
  FROM alerts_webhookendpoint AS endpoint
 WHERE endpoint.active
   AND endpoint.merchant_id <> %(platform)s
"""

# Primary key of jobs; index deadletter of the open letter. Runs in the transaction that ended the jobs, so
# it sees their ends. The ids are drawn in the order of the events: `job.failed` before
# `job.dead_lettered`. What a reader may see is decided here: ids, statuses, times and codes, nothing that
# a person or a target wrote.
RECORD_JOB_EVENTS = """
INSERT INTO alerts_webhookevent (merchant_id, type, subject, kind, template_id, body)
SELECT told.merchant_id, told.type, told.id, told.kind, told.template_id, told.body
  FROM (
    SELECT job.merchant_id, given.type, job.id, job.kind, job.template_id, given.place,
           json_build_object(
               'type', given.type,
               'timestamp', to_char(statement_timestamp() AT TIME ZONE 'UTC',
                                    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'data', json_build_object(
                   'job_id', job.id,
                   'kind', job.kind,
                   'status', job.status,
                   'attempts', job.attempt,
                   'template_id', job.template_id,
                   'occurrence_at', to_char(job.occurrence_at AT TIME ZONE 'UTC',
                                            'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                   'created_at', to_char(job.created_at AT TIME ZONE 'UTC',
                                         'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'finalized_at', to_char(job.finalized_at AT TIME ZONE 'UTC',
                                           'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'error_code', letter.error_code,
                   'dead_letter_id', letter.id))::text AS body
      FROM unnest(%(ids)s::uuid[], %(types)s::text[]) WITH ORDINALITY AS given(id, type, place)
      JOIN jobs_job AS job ON job.id = given.id
      LEFT JOIN LATERAL (
           SELECT id, error_code
             FROM jobs_deadletter AS open_letter
            WHERE open_letter.job_id = job.id AND open_letter.resolution = ''
              AND job.status = 'failed'
            LIMIT 1
           ) AS letter ON true
     ORDER BY given.place
  ) AS told
"""

# What is no job's end; the bodies are made by the caller.
RECORD_EVENTS = """
INSERT INTO alerts_webhookevent (merchant_id, type, subject, kind, template_id, body)
SELECT given.merchant_id, given.type, given.subject, '', given.template_id, given.body
  FROM unnest(%(merchants)s::uuid[], %(types)s::text[], %(subjects)s::uuid[],
              %(templates)s::uuid[], %(bodies)s::text[]) WITH ORDINALITY
       AS given(merchant_id, type, subject, template_id, body, place)
 ORDER BY given.place
"""

# One fan-out at a time: two would hand on the events of one job in any order. Who does not get the lock
# has nothing to do.
LOCK = "SELECT pg_try_advisory_xact_lock(%(lock)s)"

# Index webhook_event_waiting, which holds what was not handed on yet; an idle tick reads one entry of it. `merchant`
# walks from one merchant with new events to the next, a probe each, at most `limit` of them behind `after`. In turn
# each gives one event after another, so that one merchant's flood keeps nobody else waiting. An event is handed
# on in the transaction that makes its deliveries.
FAN_OUT = """
WITH RECURSIVE merchant(id) AS (
    (SELECT merchant_id
       FROM alerts_webhookevent
      WHERE NOT fanned_out AND merchant_id > %(after)s::uuid
      ORDER BY merchant_id
      LIMIT 1)
    UNION ALL
    SELECT (SELECT event.merchant_id
              FROM alerts_webhookevent AS event
             WHERE NOT event.fanned_out AND event.merchant_id > merchant.id
             ORDER BY event.merchant_id
             LIMIT 1)
      FROM merchant
     WHERE merchant.id IS NOT NULL
), walked AS MATERIALIZED (
    SELECT id FROM merchant WHERE id IS NOT NULL LIMIT %(limit)s
), ring AS MATERIALIZED (
    SELECT id, least(%(limit)s, ceil(10.0 * %(limit)s / count(*) OVER ()))::bigint AS share FROM walked
), chosen AS MATERIALIZED (
    SELECT mine.id, ring.share
      FROM ring
     CROSS JOIN LATERAL (
           SELECT event.id, row_number() OVER (ORDER BY event.id) AS turn
             FROM alerts_webhookevent AS event
            WHERE NOT event.fanned_out AND event.merchant_id = ring.id
            ORDER BY event.id
            LIMIT ring.share
           ) AS mine
     ORDER BY mine.turn, mine.id
     LIMIT %(limit)s
), fresh AS MATERIALIZED (
    SELECT event.id, event.merchant_id, event.type, event.subject, event.kind, event.template_id,
           event.body, chosen.share
      FROM chosen
      JOIN alerts_webhookevent AS event
        ON event.id = chosen.id AND event.id = ANY(ARRAY(SELECT id FROM chosen))
), handed_on AS (
    UPDATE alerts_webhookevent AS event
       SET fanned_out = true
      FROM fresh
     WHERE event.id = fresh.id AND event.id = ANY(ARRAY(SELECT id FROM chosen))
)
SELECT fresh.id, fresh.merchant_id, fresh.type, fresh.subject, fresh.body, endpoint.id, endpoint.host,
       fresh.share
  FROM fresh
  LEFT JOIN alerts_webhookendpoint AS endpoint
    ON endpoint.merchant_id = fresh.merchant_id
   AND endpoint.active
   AND endpoint.disabled_at IS NULL
   AND (fresh.type = ANY(endpoint.events)
        OR split_part(fresh.type, '.', 1) || '.*' = ANY(endpoint.events))
   AND (endpoint.kind = '' OR endpoint.kind = fresh.kind)
   AND (endpoint.template_id IS NULL OR endpoint.template_id = fresh.template_id)
 ORDER BY fresh.id, endpoint.id
"""

CREATE_DELIVERIES = """
INSERT INTO alerts_webhookdelivery (id, merchant_id, endpoint_id, event_id, job_id, again)
SELECT given.id, given.merchant_id, given.endpoint_id, given.event_id, given.job_id, %(again)s
  FROM unnest(%(ids)s::uuid[], %(merchants)s::uuid[], %(endpoints)s::uuid[], %(events)s::uuid[],
              %(jobs)s::uuid[]) AS given(id, merchant_id, endpoint_id, event_id, job_id)
"""

# Indexes webhook_delivery_of_job, then the primary key. Written when it changes only: the first failure
# after a success, and then once a minute. NO KEY: a fan-out that stores deliveries holds key locks of
# endpoints in any order, and would meet a full lock crosswise.
NOTE_FAILURES = """
WITH mine AS MATERIALIZED (
    SELECT endpoint.id
      FROM alerts_webhookendpoint AS endpoint
     WHERE endpoint.id IN (SELECT endpoint_id FROM alerts_webhookdelivery
                            WHERE job_id = ANY(%(jobs)s::uuid[]))
       AND (endpoint.failing_since IS NULL
            OR endpoint.last_failure_at < statement_timestamp() - interval '1 minute')
     ORDER BY endpoint.id
       FOR NO KEY UPDATE
)
UPDATE alerts_webhookendpoint AS endpoint
   SET failing_since = coalesce(endpoint.failing_since, statement_timestamp()),
       last_failure_at = statement_timestamp()
  FROM mine
 WHERE endpoint.id = mine.id
"""

NOTE_SUCCESSES = """
WITH mine AS MATERIALIZED (
    SELECT endpoint.id
      FROM alerts_webhookendpoint AS endpoint
     WHERE endpoint.id IN (SELECT endpoint_id FROM alerts_webhookdelivery
                            WHERE job_id = ANY(%(jobs)s::uuid[]))
       AND (endpoint.failing_since IS NOT NULL
            OR endpoint.last_success_at IS NULL
            OR endpoint.last_success_at < statement_timestamp() - interval '1 minute')
     ORDER BY endpoint.id
       FOR NO KEY UPDATE
)
UPDATE alerts_webhookendpoint AS endpoint
   SET failing_since = NULL, last_failure_at = NULL, last_success_at = statement_timestamp()
  FROM mine
 WHERE endpoint.id = mine.id
"""

# The same indexes. An endpoint that answers 410 says that nobody is there any more (Standard Webhooks 1.0).
DISABLE_GONE = """
WITH mine AS MATERIALIZED (
    SELECT endpoint.id
      FROM alerts_webhookendpoint AS endpoint
     WHERE endpoint.id IN (
               SELECT delivery.endpoint_id
                 FROM alerts_webhookdelivery AS delivery
                 JOIN jobs_deadletter AS letter
                   ON letter.job_id = delivery.job_id AND letter.resolution = ''
                WHERE delivery.job_id = ANY(%(jobs)s::uuid[]) AND letter.error_code = 'http_410')
       AND endpoint.active AND endpoint.disabled_at IS NULL
     ORDER BY endpoint.id
       FOR NO KEY UPDATE
)
UPDATE alerts_webhookendpoint AS endpoint
   SET disabled_at = statement_timestamp(), disabled_reason = %(reason)s
  FROM mine
 WHERE endpoint.id = mine.id
RETURNING endpoint.id, endpoint.merchant_id, endpoint.disabled_at
"""

# Index webhook_endpoint_failing. Both ends of the span are failures that happened: an endpoint that nobody
# calls is not found wanting by the time that passes.
DISABLE_FAILING = """
WITH mine AS MATERIALIZED (
    SELECT id
      FROM alerts_webhookendpoint
     WHERE failing_since IS NOT NULL
       AND failing_since <= last_failure_at - make_interval(secs => %(patience)s)
       AND active AND disabled_at IS NULL
     ORDER BY id
     LIMIT %(limit)s
       FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE alerts_webhookendpoint AS endpoint
   SET disabled_at = %(now)s, disabled_reason = %(reason)s
  FROM mine
 WHERE endpoint.id = mine.id
RETURNING endpoint.id, endpoint.merchant_id, endpoint.disabled_at
"""

# Index webhook_delivery_once, in the order of the events, with a probe of each one's job, in the archive as well.
FIND_UNDELIVERED = """
SELECT delivery.job_id
  FROM alerts_webhookdelivery AS delivery
 CROSS JOIN LATERAL (
       SELECT status FROM jobs_anyjob WHERE id = delivery.job_id LIMIT 1
       ) AS job
 WHERE delivery.endpoint_id = %(endpoint)s
   AND delivery.event_id >= %(first)s
   AND delivery.event_id < %(end)s
   AND NOT delivery.again
   AND job.status IN ('failed', 'cancelled')
 ORDER BY delivery.event_id
 LIMIT %(limit)s
"""

# Index webhook_event_newest. What was told while the endpoint was off, or did not subscribe to it yet.
FIND_UNHEARD = """
SELECT event.id, event.merchant_id, event.type, event.subject, event.body, endpoint.id, endpoint.host
  FROM alerts_webhookendpoint AS endpoint
  JOIN alerts_webhookevent AS event ON event.merchant_id = endpoint.merchant_id
 WHERE endpoint.id = %(endpoint)s
   AND event.id >= %(first)s
   AND event.id < %(end)s
   AND event.fanned_out
   AND (event.type = ANY(endpoint.events)
        OR split_part(event.type, '.', 1) || '.*' = ANY(endpoint.events))
   AND event.type <> 'webhook_endpoint.test'
   AND (endpoint.kind = '' OR endpoint.kind = event.kind)
   AND (endpoint.template_id IS NULL OR endpoint.template_id = event.template_id)
   AND NOT EXISTS (SELECT FROM alerts_webhookdelivery AS delivery
                    WHERE delivery.endpoint_id = endpoint.id
                      AND delivery.event_id = event.id
                      AND NOT delivery.again)
 ORDER BY event.id
 LIMIT %(limit)s
"""
