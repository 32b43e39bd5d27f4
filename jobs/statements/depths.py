"""How much work each lane has, and how fast it does it. Reads only; each look is bounded."""

# Index job_due: a range scan a priority, highest first, that stops when a lane has more than `most`.
# What will not be queued though it is due (another's decision, or none, is waited for) is taken off
# afterwards, so that it cannot make the look any longer. Merchants are looked up once each.
DUE_PER_LANE = """
WITH due AS MATERIALIZED (
    SELECT wanted.lane, candidate.merchant_id, candidate.waits
      FROM unnest(%(lanes)s::text[]) AS wanted(lane)
     CROSS JOIN LATERAL (
           SELECT job.merchant_id, job.waits
             FROM generate_series(10, 0, -1) AS level(priority)
            CROSS JOIN LATERAL (
                  SELECT job.merchant_id,
                         (job.missed_at IS NULL OR job.missed_at > %(now)s OR job.attempt > 0)
                         AND (job.expires_at IS NULL OR job.expires_at > %(now)s) AS waits
                    FROM jobs_job AS job
                   WHERE job.lane = wanted.lane
                     AND job.priority = level.priority
                     AND job.status IN ('scheduled', 'retryable')
                     AND job.gate = ''
                     AND job.scheduled_at <= (SELECT %(now)s::timestamptz)
                   ORDER BY job.scheduled_at, job.id
                   LIMIT %(most)s + 1
                  ) AS job
            LIMIT %(most)s + 1
           ) AS candidate
), of_merchant AS MATERIALIZED (
    SELECT lane, merchant_id, count(*) AS seen, count(*) FILTER (WHERE waits) AS due
      FROM due
     GROUP BY lane, merchant_id
)
SELECT of_merchant.lane,
       coalesce(sum(of_merchant.due) FILTER (WHERE merchant.active), 0)::bigint,
       sum(of_merchant.seen) > %(most)s
  FROM of_merchant
  JOIN tenants_merchant AS merchant ON merchant.id = of_merchant.merchant_id
 GROUP BY of_merchant.lane
"""

# Index job_parked, all lines together: it knows no lane; and job_in_line, for those of concurrency keys.
# The last column tells whether there are more.
PARKED_PER_LANE = """
WITH parked AS MATERIALIZED (
    (SELECT lane, merchant_id
       FROM jobs_job
      WHERE gate = 'parked' AND status IN ('scheduled', 'retryable')
      ORDER BY parked_by
      LIMIT %(most)s + 1)
    UNION ALL
    (SELECT lane, merchant_id
       FROM jobs_job
      WHERE in_line AND status = 'scheduled'
      ORDER BY lane
      LIMIT %(most)s + 1)
), of_merchant AS MATERIALIZED (
    SELECT lane, merchant_id, count(*) AS parked FROM parked GROUP BY lane, merchant_id
)
SELECT of_merchant.lane,
       coalesce(sum(of_merchant.parked) FILTER (WHERE merchant.active), 0)::bigint,
       (SELECT count(*) FROM parked) > %(most)s
  FROM of_merchant
  JOIN tenants_merchant AS merchant ON merchant.id = of_merchant.merchant_id
 GROUP BY of_merchant.lane
"""

# An index of running jobs, some thousand rows at most: no more than all workers have places.
RUNNING_PER_LANE = """
SELECT lane, count(*) FROM jobs_job WHERE status = 'running' GROUP BY lane
"""

# How large the table is by now, in pages: a look at its files, not at statistics of an hour ago.
JOB_PAGES = """
SELECT pg_relation_size('jobs_job') / current_setting('block_size')::bigint
"""

# Beyond what is counted: so many percent of the table's pages, picked without regard to what is in
# them, so the cost follows neither what is due nor what exists. The seed picks the same pages each
# time, so that what a backlog's curve shows is the backlog.
SAMPLE = """
WITH of_merchant AS MATERIALIZED (
    SELECT job.lane, job.merchant_id,
           count(*) FILTER (WHERE job.gate = '') AS due,
           count(*) FILTER (WHERE job.gate = 'parked' OR job.in_line) AS parked
      FROM jobs_job AS job TABLESAMPLE SYSTEM (%(percent)s::real) REPEATABLE (0)
     WHERE job.lane = ANY(%(lanes)s::text[])
       AND job.status IN ('scheduled', 'retryable')
       AND (job.gate = 'parked'
            OR job.in_line
            OR (job.gate = ''
                AND job.scheduled_at <= %(now)s
                AND (job.missed_at IS NULL OR job.missed_at > %(now)s OR job.attempt > 0)
                AND (job.expires_at IS NULL OR job.expires_at > %(now)s)))
     GROUP BY job.lane, job.merchant_id
)
SELECT of_merchant.lane, sum(of_merchant.due)::bigint, sum(of_merchant.parked)::bigint
  FROM of_merchant
  JOIN tenants_merchant AS merchant ON merchant.id = of_merchant.merchant_id
 WHERE merchant.active
 GROUP BY of_merchant.lane
"""

# The primary key from its end, in its order: ids begin with the moment at which an attempt was
# recorded. From a sub-select, so that statistics of an hour ago do not promise next to nothing to sort.
# Attempts that were handed back or taken away are no work done.
ENDED_LATELY = """
WITH newest AS MATERIALIZED (
    SELECT worker_id, outcome, finished_at
      FROM jobs_execution
     WHERE id >= (SELECT %(first_id)s::uuid)
     ORDER BY id DESC
     LIMIT %(most)s
), of_worker AS MATERIALIZED (
    SELECT worker_id,
           count(*) AS lately,
           min(finished_at) AS lately_since,
           count(*) FILTER (WHERE finished_at > %(just_now)s) AS just_now,
           min(finished_at) FILTER (WHERE finished_at > %(just_now)s) AS just_now_since
      FROM newest
     WHERE outcome NOT IN ('lost', 'released') AND finished_at > %(lately)s
     GROUP BY worker_id
)
SELECT worker.lane,
       sum(of_worker.lately)::bigint, min(of_worker.lately_since),
       sum(of_worker.just_now)::bigint, min(of_worker.just_now_since)
  FROM of_worker
  JOIN jobs_worker AS worker ON worker.id = of_worker.worker_id
 GROUP BY worker.lane
"""
