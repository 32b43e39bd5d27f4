"""Queued -> running -> whatever the attempt came to. Used by executor and watcher."""

# Waits for a row lock instead of skipping: a skipped row would have lost its only message.
# The attempt is counted here, not at the end: a payload that kills its worker must run out of
# attempts. A worker that was declared lost may claim nothing. Whether the handler must not run twice
# is written by the worker that knows it, before it starts: whoever ends the attempt may not.
CLAIM = """
WITH mine AS MATERIALIZED (
    SELECT job.id
      FROM jobs_job AS job
      JOIN unnest(%(ids)s::uuid[], %(tickets)s::bigint[]) AS given(id, ticket)
        ON job.id = given.id AND job.ticket = given.ticket
     WHERE job.status = (SELECT 'queued')
       AND (job.expires_at IS NULL OR job.expires_at > clock_timestamp())
       AND EXISTS (SELECT FROM jobs_worker AS worker
                    WHERE worker.id = %(worker)s AND worker.state = 'alive')
     ORDER BY job.id
       FOR UPDATE OF job
)
UPDATE jobs_job AS job
   SET status = 'running',
       attempt = job.attempt + 1,
       worker_id = %(worker)s,
       started_at = clock_timestamp(),
       deadline_at = clock_timestamp() + make_interval(secs => job.timeout + %(grace)s),
       queue_lease_until = NULL,
       at_most_once = job.kind || ':' || job.handler = ANY(%(at_most_once)s::text[]),
       progress = NULL,
       progress_note = ''
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.ticket, job.merchant_id, job.kind, job.handler, job.name, job.payload,
          job.metadata, job.attempt, job.attempt - job.earlier_attempts, job.max_attempts,
          job.timeout, job.backoff, job.scheduled_at, job.started_at, job.lost_count,
          job.at_most_once
"""

# One statement ends a whole group of attempts: the job's new status, the execution, the dead
# letter. The ticket is the guard: of a zombie's write and the watcher's, the first wins and the
# other matches no row. A cancel request turns everything but success into cancelled.
FINISH = """
WITH ending AS MATERIALIZED (
    SELECT *
      FROM unnest(%(ids)s::uuid[], %(tickets)s::bigint[], %(outcomes)s::text[],
                  %(statuses)s::text[], %(delays)s::float8[], %(http_statuses)s::int[],
                  %(codes)s::text[], %(messages)s::text[], %(details)s::text[],
                  %(fingerprints)s::text[], %(outputs)s::text[], %(logs)s::text[],
                  %(counted)s::boolean[])
        AS given(id, ticket, outcome, status, delay, http_status, code, message, detail,
                 fingerprint, output, log, counted)
), mine AS MATERIALIZED (
    SELECT ending.*
      FROM jobs_job AS job
      JOIN ending ON job.id = ending.id AND job.ticket = ending.ticket
     WHERE job.status = (SELECT 'running')
     ORDER BY job.id
       FOR UPDATE OF job
), done AS (
    UPDATE jobs_job AS job
       SET status = CASE WHEN job.cancel_requested_at IS NOT NULL
                          AND mine.status <> 'succeeded' THEN 'cancelled'
                         ELSE mine.status END,
           finalized_at = CASE WHEN mine.status IN ('succeeded', 'failed', 'cancelled')
                                 OR job.cancel_requested_at IS NOT NULL
                               THEN statement_timestamp() END,
           scheduled_at = CASE WHEN mine.status = 'retryable'
                               THEN statement_timestamp() + make_interval(secs => mine.delay)
                               ELSE job.scheduled_at END,
           earlier_attempts = job.earlier_attempts
                              + CASE WHEN mine.outcome = 'released' OR NOT mine.counted
                                     THEN 1 ELSE 0 END,
           lost_count = CASE WHEN mine.outcome = 'lost' THEN job.lost_count + 1
                             ELSE job.lost_count END,
           unanswered_since = CASE WHEN NOT mine.counted
                                   THEN coalesce(job.unanswered_since, statement_timestamp())
                                   WHEN mine.outcome = 'released' THEN job.unanswered_since END,
           ticket = NULL, queued_at = NULL, worker_id = NULL, deadline_at = NULL
      FROM mine
     WHERE job.id = mine.id
    RETURNING job.id, job.merchant_id, job.kind, job.handler, job.lane, job.status, job.attempt,
              job.overlap, job.awaited, job.limited OR job.holds_place AS makes_room,
              old.scheduled_at AS was_scheduled_at, old.queued_at AS was_queued_at,
              old.started_at AS was_started_at, old.worker_id AS was_worker_id,
              mine.outcome, mine.http_status, mine.code, mine.message, mine.detail,
              mine.fingerprint, mine.output, mine.log
), history AS (
    INSERT INTO jobs_execution (job_id, merchant_id, number, outcome, scheduled_at, queued_at,
                                started_at, finished_at, worker_id, http_status, error_code,
                                error_message, error_detail, output, log)
    SELECT id, merchant_id, attempt, outcome, was_scheduled_at, was_queued_at, was_started_at,
           statement_timestamp(), was_worker_id, http_status, code, message, detail,
           output::jsonb, log::jsonb
      FROM done
), letters AS (
    INSERT INTO jobs_deadletter (job_id, merchant_id, kind, handler, error_code, error_message,
                                 fingerprint, attempts, created_at, resolution, resolved_by, reason)
    SELECT id, merchant_id, kind, handler, code, message, fingerprint, attempt,
           statement_timestamp(), '', '', ''
      FROM done
     WHERE status = 'failed'
    ON CONFLICT (job_id) WHERE resolution = '' DO NOTHING
)
SELECT id, merchant_id, kind, lane, status, overlap, awaited, makes_room FROM done
"""

# Indexes job_running and job_overdue. Attempts whose worker is gone or whose time is long over;
# `lost` tells which of the two. Whoever ends them is decided by FINISH's guard. Overdue is only what
# its worker had the chance to set anew (liveness.RENEW): who lives beats, who does not is lost soon. All
# of a worker's come together (WITH TIES), since who is poison depends on the company (jobs.stranding).
FIND_STRANDED = """
SELECT job.id, job.ticket, job.merchant_id, job.kind, job.handler, job.name, job.payload,
       job.metadata, job.attempt, job.attempt - job.earlier_attempts, job.max_attempts,
       job.timeout, job.backoff, job.scheduled_at, job.started_at, job.lost_count,
       job.at_most_once, worker.state IS DISTINCT FROM 'alive' AS lost, job.worker_id
  FROM jobs_job AS job
  LEFT JOIN jobs_worker AS worker ON worker.id = job.worker_id
 WHERE job.status = 'running'
   AND (worker.state IS DISTINCT FROM 'alive'
        OR (job.deadline_at < %(now)s AND job.deadline_at < worker.heartbeat_at))
 ORDER BY job.worker_id
 FETCH FIRST (%(limit)s) ROWS WITH TIES
"""

# Primary key. The attempts a worker still answers for, read back by their tickets.
FIND_RUNNING = """
SELECT job.id, job.ticket, job.merchant_id, job.kind, job.handler, job.name, job.payload,
       job.metadata, job.attempt, job.attempt - job.earlier_attempts, job.max_attempts,
       job.timeout, job.backoff, job.scheduled_at, job.started_at, job.lost_count,
       job.at_most_once
  FROM jobs_job AS job
  JOIN unnest(%(ids)s::uuid[], %(tickets)s::bigint[]) AS given(id, ticket)
    ON job.id = given.id AND job.ticket = given.ticket
 WHERE job.status = (SELECT 'running')
"""
