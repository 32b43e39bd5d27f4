"""Waiting -> queued while more is due than the lanes have room for: every merchant gets its share."""

from jobs.statements.queueing import GIVE_TICKETS, SHOW

# Whether more is due than there is room for. Index job_due, no further than the room.
IS_SHORT = """
SELECT count(*) > %(room)s
  FROM (SELECT
          FROM generate_series(10, 0, -1) AS level(priority)
         CROSS JOIN LATERAL (
               SELECT
                 FROM jobs_job AS job
                WHERE job.lane = %(lane)s
                  AND job.priority = level.priority
                  AND job.status IN ('scheduled', 'retryable')
                  AND job.gate = ''
                  AND job.scheduled_at <= (SELECT %(now)s::timestamptz)
                LIMIT %(room)s + 1
               ) AS due
         LIMIT %(room)s + 1
       ) AS ahead
"""

# Index job_due_of_merchant throughout. `merchant` walks from one merchant that has waiting jobs to the
# next, a probe each; `ring` keeps those with due ones. Each takes its part of the room by its weight,
# at least one, in an order of its own: a priority counts as much as so many seconds of waiting, so
# nothing starves behind what is more important and comes later. The ring begins anywhere: when there
# are more merchants than room, nobody is always the last. Chosen without locks and locked in id order,
# as everywhere; who is passed over is met again in a moment.
_SHARES = """
WITH RECURSIVE merchant(id) AS (
    (SELECT job.merchant_id
       FROM jobs_job AS job
      WHERE job.lane = %(lane)s AND job.status IN ('scheduled', 'retryable') AND job.gate = ''
      ORDER BY job.merchant_id
      LIMIT 1)
    UNION ALL
    SELECT (SELECT job.merchant_id
              FROM jobs_job AS job
             WHERE job.lane = %(lane)s AND job.status IN ('scheduled', 'retryable')
               AND job.gate = '' AND job.merchant_id > merchant.id
             ORDER BY job.merchant_id
             LIMIT 1)
      FROM merchant
     WHERE merchant.id IS NOT NULL
), ring AS MATERIALIZED (
    SELECT merchant.id,
           ceil(%(limit)s::float8 * owner.weight / sum(owner.weight) OVER ())::bigint AS share
      FROM merchant
      JOIN tenants_merchant AS owner ON owner.id = merchant.id
     WHERE owner.active
       AND EXISTS (
           SELECT
             FROM generate_series(0, 10) AS level(priority)
            CROSS JOIN LATERAL (
                  SELECT
                    FROM jobs_job AS job
                   WHERE job.lane = %(lane)s
                     AND job.merchant_id = merchant.id
                     AND job.priority = level.priority
                     AND job.status IN ('scheduled', 'retryable')
                     AND job.gate = ''
                     AND job.scheduled_at <= (SELECT %(now)s::timestamptz)
                   LIMIT 1
                  ) AS due
           )
), chosen AS MATERIALIZED (
    SELECT mine.id, mine.turn::float8 / ring.share AS part
      FROM (SELECT ring.id, ring.share, random() AS place FROM ring) AS ring
     CROSS JOIN LATERAL (
           SELECT candidate.id, row_number() OVER (ORDER BY candidate.since, candidate.id) AS turn
             FROM generate_series(0, 10) AS level(priority)
            CROSS JOIN LATERAL (
                  SELECT job.id,
                         job.scheduled_at
                         - make_interval(secs => level.priority * %(aging)s) AS since
                    FROM jobs_job AS job
                   WHERE job.lane = %(lane)s
                     AND job.merchant_id = ring.id
                     AND job.priority = level.priority
                     AND job.status IN ('scheduled', 'retryable')
                     AND job.gate = ''
                     AND job.scheduled_at <= (SELECT %(now)s::timestamptz)
                     AND (job.missed_at IS NULL OR job.missed_at > %(now)s OR job.attempt > 0)
                     AND (job.expires_at IS NULL OR job.expires_at > %(now)s)
                   ORDER BY job.scheduled_at, job.id
                   LIMIT ring.share
                  ) AS candidate
            ORDER BY turn
            LIMIT ring.share
           ) AS mine
     ORDER BY part, ring.place
     LIMIT %(limit)s
), due AS MATERIALIZED (
    SELECT job.id, chosen.part
      FROM (SELECT id, part FROM chosen ORDER BY id) AS chosen
     CROSS JOIN LATERAL (
           SELECT job.id
             FROM jobs_job AS job
            WHERE job.id = chosen.id
              AND job.status = ANY ((SELECT '{scheduled,retryable}'::text[])::text[])
              AND job.gate = ''
            LIMIT 1
              FOR UPDATE OF job SKIP LOCKED
           ) AS job
)
"""
QUEUE_SHARES = _SHARES + GIVE_TICKETS.rstrip() + ", due.part\n"
FIND_SHARES = _SHARES + SHOW + " ORDER BY due.part"
