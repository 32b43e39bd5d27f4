"""Canaries: a tiny job of the platform's own merchant in each lane, to see whether it comes back."""

# A few rows, each with one look by the primary key. One whose job was deleted is over, too.
SETTLE_CANARIES = """
UPDATE jobs_canary AS canary
   SET waits = false,
       succeeded_at = coalesce(ended.succeeded_at, canary.succeeded_at),
       took = coalesce(extract(epoch FROM ended.succeeded_at - canary.due_at), canary.took)
  FROM (SELECT mine.lane, mine.job_id,
               CASE WHEN job.status = 'succeeded' THEN job.finalized_at END AS succeeded_at
          FROM jobs_canary AS mine
          LEFT JOIN jobs_job AS job ON job.id = mine.job_id
         WHERE mine.waits AND (job.id IS NULL OR job.finalized_at IS NOT NULL)
       ) AS ended
 WHERE canary.lane = ended.lane AND canary.job_id = ended.job_id AND canary.waits
RETURNING canary.lane
"""

# Nobody else's history hangs on it.
_HANGS_ON_NOTHING = """NOT EXISTS (SELECT FROM jobs_deadletter AS letter WHERE letter.job_id = job.id)
       AND NOT EXISTS (SELECT FROM jobs_dependency AS dependency
                        WHERE job.id IN (dependency.parent_id, dependency.child_id))"""

# The lane's row decides: whoever comes second finds that one waits, or was sent a moment ago, or that
# the clock was set back since. Highest priority, any number of attempts: it waits for its lane for as
# long as it takes. The one before it goes, with its executions, so that they pile up nowhere; one with
# a dead letter, or that somebody made others depend on, stays for people.
SEND_CANARIES = f"""
WITH sent AS (
    INSERT INTO jobs_canary AS canary (lane, job_id, due_at, waits)
    SELECT wanted.lane, uuidv7(), %(now)s, true
      FROM unnest(%(lanes)s::text[]) AS wanted(lane)
     WHERE (SELECT active FROM tenants_merchant WHERE id = %(platform)s)
     ORDER BY wanted.lane
    ON CONFLICT (lane) DO UPDATE
       SET job_id = excluded.job_id, due_at = excluded.due_at, waits = true
     WHERE NOT canary.waits
       AND (canary.due_at <= %(now)s - make_interval(secs => %(every)s)
            OR canary.due_at > %(now)s)
    RETURNING lane, job_id, due_at, old.job_id AS former_id
), forgotten AS (
    DELETE FROM jobs_job AS job
     USING sent
     WHERE job.id = sent.former_id
       AND job.merchant_id = %(platform)s AND job.kind = 'canary'
       AND job.status IN ('succeeded', 'cancelled', 'skipped')
       AND {_HANGS_ON_NOTHING}
    RETURNING job.id
), history AS (
    DELETE FROM jobs_execution AS execution
     USING forgotten
     WHERE execution.job_id = forgotten.id
)
INSERT INTO jobs_job (
    id, merchant_id, kind, handler, lane, name, tags, metadata, payload, priority, max_attempts,
    backoff, timeout, run_at, scheduled_at, attempt, earlier_attempts, lost_count, progress_note,
    created_at, status)
SELECT job_id, %(platform)s, 'canary', '', lane, 'Canary of lane ' || lane, '{{}}', '{{}}',
       jsonb_build_object('lane', lane), 10, 100, '{{"strategy": "fixed", "base": 1.0}}',
       10.0, due_at, due_at, 0, 0, 0, '', statement_timestamp(), 'scheduled'
  FROM sent
RETURNING id, merchant_id, kind, lane, status
"""  # noqa: S608 - constants only

# Workers that die in a loop leave many. Once a later canary came back there is nothing to do about them.
# Index dead_letter_open.
CLOSE_LETTERS = """
UPDATE jobs_deadletter AS letter
   SET resolution = 'discarded', resolved_at = %(now)s, resolved_by = 'TaskFlow',
       reason = 'A later canary of the lane came back.'
  FROM jobs_job AS job
  JOIN jobs_canary AS canary ON canary.lane = job.lane
 WHERE letter.merchant_id = %(platform)s AND letter.resolution = ''
   AND letter.kind = 'canary' AND letter.created_at < %(before)s
   AND job.id = letter.job_id
   AND canary.succeeded_at > letter.created_at
RETURNING letter.id
"""

# In a lane that nobody serves any more it would be the oldest due job for ever.
WITHDRAW_CANARIES = f"""
WITH given_up AS (
    DELETE FROM jobs_job AS job
     USING jobs_canary AS canary
     WHERE canary.waits AND canary.due_at < %(before)s
       AND job.id = canary.job_id
       AND job.merchant_id = %(platform)s AND job.kind = 'canary'
       AND job.status IN ('scheduled', 'retryable')
       AND NOT EXISTS (SELECT FROM jobs_worker AS worker
                        WHERE worker.lane = canary.lane AND worker.state = 'alive')
       AND {_HANGS_ON_NOTHING}
    RETURNING job.id
), history AS (
    DELETE FROM jobs_execution AS execution
     USING given_up
     WHERE execution.job_id = given_up.id
)
UPDATE jobs_canary AS canary
   SET waits = false
  FROM given_up
 WHERE canary.job_id = given_up.id
RETURNING canary.lane
"""  # noqa: S608 - constants only

# A few rows of workers and canaries, and the index of running jobs, which has no more than all workers
# have places. Of each lane: how its last canary went, who lives, who lived
# last, how many jobs run and when the last of them began.
PULSES = """
WITH busy AS MATERIALIZED (
    SELECT lane, count(*) AS running,
           max(started_at) FILTER (WHERE kind <> 'canary') AS started_at
      FROM jobs_job
     WHERE status = 'running'
     GROUP BY lane
)
SELECT wanted.lane, canary.succeeded_at, canary.took,
       CASE WHEN canary.waits THEN canary.due_at END,
       coalesce(job.status, ''), coalesce(job.gate, ''), coalesce(merchant.active, false),
       worker.alive, worker.capacity, worker.heard_at,
       coalesce(busy.running, 0), busy.started_at, coalesce(job.attempt, 0)
  FROM unnest(%(lanes)s::text[]) AS wanted(lane)
  LEFT JOIN jobs_canary AS canary ON canary.lane = wanted.lane
  LEFT JOIN jobs_job AS job ON job.id = canary.job_id AND canary.waits
  LEFT JOIN busy ON busy.lane = wanted.lane
  LEFT JOIN tenants_merchant AS merchant ON merchant.id = job.merchant_id
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE live) AS alive,
              coalesce(sum(capacity) FILTER (WHERE live), 0) AS capacity,
              max(heartbeat_at) AS heard_at
         FROM (SELECT capacity, heartbeat_at,
                      state = 'alive'
                      AND heartbeat_at > %(now)s - make_interval(secs => %(lease)s) AS live
                 FROM jobs_worker
                WHERE lane = wanted.lane
                ) AS known
       ) AS worker
"""
