"""The watcher's own row: its last tick, its brake. Short statements, each its own transaction: one
that was frozen between two would hold up all watchers."""

# Index worker_alive. What had not run out at the last tick: what had was acted on then, or is held.
LOOK = """
SELECT watch.ticked_at, watch.held_after, watch.held_since, watch.held_until, watch.cause,
       pg_postmaster_start_time(), clock_timestamp(), workers.held, workers.lately, workers.quiet
  FROM (VALUES (1)) AS one(id)
  LEFT JOIN jobs_watch AS watch ON watch.id = one.id
 CROSS JOIN LATERAL (
       SELECT count(*) AS held,
              count(*) FILTER (
                  WHERE worker.heartbeat_at < %(now)s - make_interval(secs => %(lease)s)) AS lately,
              count(*) FILTER (
                  WHERE worker.heartbeat_at
                        < %(now)s - make_interval(secs => %(lease)s / 2)) AS quiet
         FROM jobs_worker AS worker
        WHERE worker.state = 'alive'
          AND worker.lane <> 'control'
          AND worker.heartbeat_at
              >= coalesce(watch.ticked_at, '-infinity') - make_interval(secs => %(lease)s)
       ) AS workers
"""

# Indexes job_overdue and job_queued, which hold what workers and broker hold: some thousand rows. Read
# only when there is a suspicion.
RAN_OUT = """
SELECT (SELECT count(*) FROM jobs_job
         WHERE status = 'running' AND deadline_at >= %(after)s),
       (SELECT count(*) FROM jobs_job
         WHERE status = 'running' AND deadline_at >= %(after)s AND deadline_at < %(now)s),
       (SELECT count(*) FROM jobs_job
         WHERE status = 'queued' AND queue_lease_until >= %(after)s),
       (SELECT count(*) FROM jobs_job
         WHERE status = 'queued' AND queue_lease_until >= %(after)s
           AND queue_lease_until < %(now)s)
"""

# No row: another watcher ticked since this one looked; what it decided holds for both.
TICK = """
INSERT INTO jobs_watch (id, ticked_at, held_after, held_since, held_until, cause, brakes)
VALUES (1, %(ticked_at)s, %(held_after)s, %(held_since)s, %(held_until)s, %(cause)s, %(brakes)s)
ON CONFLICT (id) DO UPDATE
   SET ticked_at = excluded.ticked_at, held_after = excluded.held_after,
       held_since = excluded.held_since, held_until = excluded.held_until,
       cause = excluded.cause, brakes = jobs_watch.brakes + excluded.brakes
 WHERE jobs_watch.ticked_at IS NOT DISTINCT FROM %(looked_at)s::timestamptz
RETURNING id
"""

# After the clock was set back: a lease that ends further ahead than any can begins anew. Index
# worker_alive; what lies in the broker; what runs.
RENEW_WORKERS = """
UPDATE jobs_worker SET heartbeat_at = %(now)s
 WHERE state = 'alive' AND heartbeat_at > %(now)s
RETURNING id
"""
RENEW_MESSAGES = """
WITH ahead AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE status = 'queued'
       AND queue_lease_until > %(now)s + make_interval(secs => %(lease)s)
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE jobs_job AS job
   SET queue_lease_until = %(now)s + make_interval(secs => %(lease)s)
  FROM ahead
 WHERE job.id = ahead.id
RETURNING job.id
"""
RENEW_DEADLINES = """
WITH ahead AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE status = 'running'
       AND deadline_at > %(now)s + make_interval(secs => timeout + %(grace)s)
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE jobs_job AS job
   SET deadline_at = %(now)s + make_interval(secs => job.timeout + %(grace)s)
  FROM ahead
 WHERE job.id = ahead.id
RETURNING job.id
"""

BRAKE = """
SELECT ticked_at, held_after, held_since, held_until, cause, brakes FROM jobs_watch WHERE id = 1
"""
