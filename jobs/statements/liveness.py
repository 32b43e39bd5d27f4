"""Workers' rows: who lives, who fell silent."""

REGISTER = """
INSERT INTO jobs_worker (id, name, lane, capacity, state, started_at, heartbeat_at, finished_jobs,
                         run_times)
VALUES (%(id)s, %(name)s, %(lane)s, %(capacity)s, 'alive', clock_timestamp(), clock_timestamp(), 0,
        '{}')
ON CONFLICT (id) DO NOTHING
"""

# The control lane runs ticks, not jobs: one row stands for whoever ticked last.
TICKED = """
INSERT INTO jobs_worker (id, name, lane, capacity, state, started_at, heartbeat_at, finished_jobs,
                         run_times)
VALUES (%(id)s, 'watcher', 'control', 0, 'alive', %(now)s, %(now)s, 1, '{}')
ON CONFLICT (id) DO UPDATE
   SET state = 'alive', heartbeat_at = greatest(jobs_worker.heartbeat_at, excluded.heartbeat_at),
       finished_jobs = jobs_worker.finished_jobs + 1
"""

# No row: this worker was declared lost. One row keeps all the worker's running jobs alive.
BEAT = """
UPDATE jobs_worker
   SET heartbeat_at = clock_timestamp(), finished_jobs = %(finished)s, run_times = %(run_times)s
 WHERE id = %(id)s AND state = 'alive'
RETURNING id
"""

# Index job_running: only this worker's running jobs are looked at.
RUNNING = """
SELECT id, ticket, cancel_requested_at IS NOT NULL,
       extract(epoch FROM deadline_at - clock_timestamp())::float8
  FROM jobs_job
 WHERE worker_id = %(id)s AND status = 'running'
"""

# Primary key. After the clock was set ahead: the worker knows better how long its attempts have run.
RENEW = """
WITH mine AS MATERIALIZED (
    SELECT job.id, given.seconds
      FROM jobs_job AS job
      JOIN unnest(%(ids)s::uuid[], %(tickets)s::bigint[], %(seconds)s::float8[])
        AS given(id, ticket, seconds)
        ON job.id = given.id AND job.ticket = given.ticket
     WHERE job.status = (SELECT 'running') AND job.worker_id = %(id)s
     ORDER BY job.id
       FOR UPDATE OF job
)
UPDATE jobs_job AS job
   SET deadline_at = clock_timestamp() + make_interval(secs => mine.seconds)
  FROM mine
 WHERE job.id = mine.id
"""

SHOW_PROGRESS = """
WITH mine AS MATERIALIZED (
    SELECT job.id, given.progress, given.note
      FROM jobs_job AS job
      JOIN unnest(%(ids)s::uuid[], %(tickets)s::bigint[], %(progress)s::int[], %(notes)s::text[])
        AS given(id, ticket, progress, note)
        ON job.id = given.id AND job.ticket = given.ticket
     WHERE job.status = (SELECT 'running')
     ORDER BY job.id
       FOR UPDATE OF job
)
UPDATE jobs_job AS job
   SET progress = mine.progress, progress_note = mine.note
  FROM mine
 WHERE job.id = mine.id
"""

STOP = """
UPDATE jobs_worker SET state = 'stopped', heartbeat_at = clock_timestamp()
 WHERE id = %(id)s AND state = 'alive'
"""

# Index worker_alive. After a restart of PostgreSQL nobody could have beaten: the server's start
# counts as everybody's heartbeat, so an outage is not taken for a mass death. A start that lies ahead is
# one of a clock that was set back since, and says nothing.
DECLARE_LOST = """
UPDATE jobs_worker
   SET state = 'lost'
 WHERE state = 'alive'
   AND heartbeat_at < %(now)s - make_interval(secs => %(lease)s)
   AND (pg_postmaster_start_time() < %(now)s - make_interval(secs => %(lease)s)
        OR pg_postmaster_start_time() > clock_timestamp())
RETURNING id, name, lane
"""

# A few workers, and of each lane an index range of job_queued: a few thousand entries at most.
LIVE_LANES = """
SELECT lane, count(*), sum(capacity), jsonb_agg(run_times),
       (SELECT count(*)
          FROM jobs_job AS job
         WHERE job.status = 'queued' AND job.lane = worker.lane) AS queued
  FROM jobs_worker AS worker
 WHERE state = 'alive' AND heartbeat_at > %(now)s - make_interval(secs => %(lease)s)
 GROUP BY lane
"""
