"""Waiting -> queued, and back when a message was not delivered. Used by populator and watcher."""

# The end of whatever chose and locked the jobs: `due`. What rows.queued_row reads. By the primary key,
# said twice: for a join alone, who was planned while the table was small reads all of it.
_GIVE_TICKETS = """
UPDATE jobs_job AS job
   SET status = 'queued',
       ticket = random(-9223372036854775807, 9223372036854775807),
       queued_at = %(now)s,
       queue_lease_until = %(now)s + make_interval(secs => %(lease)s){also}
  FROM due
 WHERE job.id = due.id AND job.id = ANY(ARRAY(SELECT id FROM due))
RETURNING job.id, job.ticket, job.merchant_id, job.kind, job.handler,
          job.priority, job.scheduled_at
"""
GIVE_TICKETS = _GIVE_TICKETS.format(also="")
# To those among the chosen that their flow rules let go; the end of `counted` ones makes room.
ADMIT = """
WITH due AS MATERIALIZED (SELECT unnest(%(ids)s::uuid[]) AS id)
""" + _GIVE_TICKETS.format(also=",\n       limited = job.id = ANY(%(counted)s::uuid[])")

# Instead of tickets: what flow rules decide by (rows.candidate_row).
SHOW = """
SELECT job.id, job.merchant_id, job.template_id, job.kind, job.lane, job.handler,
       job.concurrency_key
  FROM due
  JOIN jobs_job AS job ON job.id = due.id AND job.id = ANY(ARRAY(SELECT id FROM due))
"""

# Index job_due: one range scan a priority, highest first, that stops at the limit. A merchant that
# is not active keeps its jobs waiting. Jobs behind a gate are not in the index (settle_overlaps opens
# it); missed occurrences wait for their template's misfire policy.
_DUE = """
WITH due AS MATERIALIZED (
    SELECT candidate.id
      FROM generate_series(10, 0, -1) AS level(priority)
     CROSS JOIN LATERAL (
           SELECT job.id
             FROM jobs_job AS job
            WHERE job.lane = %(lane)s
              AND job.priority = level.priority
              AND job.status IN ('scheduled', 'retryable')
              AND job.gate = ''
              AND job.scheduled_at <= (SELECT %(now)s::timestamptz)
              AND (job.missed_at IS NULL OR job.missed_at > %(now)s OR job.attempt > 0)
              AND (job.expires_at IS NULL OR job.expires_at > %(now)s)
              AND (SELECT merchant.active FROM tenants_merchant AS merchant
                    WHERE merchant.id = job.merchant_id)
            ORDER BY job.scheduled_at, job.id
            LIMIT %(limit)s
              FOR UPDATE OF job SKIP LOCKED
           ) AS candidate
     LIMIT %(limit)s
)
"""
QUEUE_DUE = _DUE + GIVE_TICKETS
# Found in the order of a line, so that what was let out of one is not passed by whoever comes later.
FIND_DUE = (
    _DUE
    + SHOW
    + " ORDER BY job.scheduled_at - make_interval(secs => job.priority * %(aging)s), job.id"
)

# Index job_due again: one probe a priority and lane; and job_shut and job_keyed_not_in_line, since overlap
# and turn are decided when a job falls due. Tells the populator how long it may sleep. What is due already is not looked at, so what
# waits for a sibling, a merchant or a misfire policy keeps nobody awake.
NEXT_DUE = """
SELECT least(min(candidate.scheduled_at),
             (SELECT min(shut.scheduled_at)
                FROM jobs_job AS shut
               WHERE shut.gate = 'shut' AND shut.status = 'scheduled'
                 AND shut.scheduled_at > %(now)s),
             (SELECT min(keyed.scheduled_at)
                FROM jobs_job AS keyed
               WHERE keyed.gate = 'keyed' AND NOT keyed.in_line AND keyed.status = 'scheduled'
                 AND keyed.scheduled_at > %(now)s))
  FROM unnest(%(lanes)s::text[]) AS wanted(lane)
 CROSS JOIN generate_series(0, 10) AS level(priority)
 CROSS JOIN LATERAL (
       SELECT job.scheduled_at
         FROM jobs_job AS job
        WHERE job.lane = wanted.lane
          AND job.priority = level.priority
          AND job.status IN ('scheduled', 'retryable')
          AND job.gate = ''
          AND job.scheduled_at > %(now)s
        ORDER BY job.scheduled_at
        LIMIT 1
       ) AS candidate
"""

# Index job_queued holds only what lies in the broker: a few thousand rows at most.
QUEUED_PER_LANE = """
SELECT lane, count(*) FROM jobs_job WHERE status = 'queued' GROUP BY lane
"""

# The message was surely not delivered (the broker refused, a worker stops before its claim). The
# ticket guards against a message that arrived all the same: it is stale from here on.
UNQUEUE = """
WITH mine AS MATERIALIZED (
    SELECT job.id
      FROM jobs_job AS job
      JOIN unnest(%(ids)s::uuid[], %(tickets)s::bigint[]) AS given(id, ticket)
        ON job.id = given.id AND job.ticket = given.ticket
     WHERE job.status = (SELECT 'queued')
     ORDER BY job.id
       FOR UPDATE OF job
)
UPDATE jobs_job AS job
   SET status = 'scheduled', ticket = NULL, queued_at = NULL, queue_lease_until = NULL
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# Index job_queued. `before` is now for expired leases; for a broker that forgot everything the
# caller passes a far future and the lease does not matter.
REQUEUE_LOST_MESSAGES = """
WITH lost AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE status = 'queued' AND queue_lease_until < %(before)s
     ORDER BY id
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
)
UPDATE jobs_job AS job
   SET status = 'scheduled', ticket = NULL, queued_at = NULL, queue_lease_until = NULL
  FROM lost
 WHERE job.id = lost.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# Index job_expiring: jobs that were not started by their deadline.
FIND_EXPIRED = """
SELECT id
  FROM jobs_job
 WHERE expires_at <= %(now)s
   AND expires_at IS NOT NULL
   AND NOT (status IN ('succeeded', 'failed', 'cancelled', 'skipped', 'running'))
 ORDER BY expires_at
 LIMIT %(limit)s
"""

# A dead letter is written by the statement that fails the job, so neither exists without the other.
EXPIRE = """
WITH late AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE id = ANY(%(ids)s)
       AND expires_at <= %(now)s
       AND status IN ('blocked', 'scheduled', 'queued', 'retryable')
     ORDER BY id
       FOR UPDATE SKIP LOCKED
), expired AS (
    UPDATE jobs_job AS job
       SET status = 'failed', finalized_at = %(now)s,
           ticket = NULL, queued_at = NULL, queue_lease_until = NULL
      FROM late
     WHERE job.id = late.id
    RETURNING job.id, job.merchant_id, job.kind, job.handler, job.lane, job.status, job.attempt
), letters AS (
    INSERT INTO jobs_deadletter (job_id, merchant_id, kind, handler, error_code, error_message,
                                 fingerprint, attempts, created_at, resolution, resolved_by, reason)
    SELECT id, merchant_id, kind, handler, 'expired',
           'The deadline passed before an attempt could start.',
           left(encode(sha256(convert_to(kind || chr(31) || handler || chr(31) || 'expired', 'UTF8')),
                       'hex'), 16),
           attempt, %(now)s, '', '', ''
      FROM expired
    ON CONFLICT (job_id) WHERE resolution = '' DO NOTHING
)
SELECT id, merchant_id, kind, lane, status FROM expired
"""
