"""What people and producers ask for: cancel, run now, restart. Used through operations."""

# A plan of the expander that a person takes in hand is theirs: an edit of its template leaves it.
THEIRS = "CASE WHEN job.origin = 'template' THEN 'person' ELSE job.origin END"

# Attempts stay numbered over the job's whole life; earlier ones stop counting against the limit.
NEW_ROUND = """status = 'scheduled',
           earlier_attempts = job.attempt,
           lost_count = 0,
           ticket = NULL,
           finalized_at = NULL,
           cancel_requested_at = NULL,
           queued_at = NULL,
           progress = NULL,
           progress_note = '',
           missed_at = NULL,
           unanswered_since = NULL,
           draws_on_parents = false,
           skip_reason = ''"""

CANCEL = """
WITH mine AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE id = ANY(%(ids)s)
       AND status IN ('blocked', 'scheduled', 'queued', 'retryable', 'running')
     ORDER BY id
       FOR UPDATE
)
UPDATE jobs_job AS job
   SET status = CASE WHEN job.status = 'running' THEN 'running' ELSE 'cancelled' END,
       finalized_at = CASE WHEN job.status = 'running' THEN NULL ELSE %(now)s END,
       cancel_requested_at = coalesce(job.cancel_requested_at, %(now)s),
       ticket = CASE WHEN job.status = 'running' THEN job.ticket END,
       queue_lease_until = NULL
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# Whoever asks for a run now has decided: the occurrence cannot be missed any more.
ADVANCE = f"""
WITH mine AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE id = ANY(%(ids)s) AND status IN ('scheduled', 'retryable')
     ORDER BY id
       FOR UPDATE
)
UPDATE jobs_job AS job
   SET scheduled_at = least(job.scheduled_at, %(now)s), missed_at = NULL, origin = {THEIRS}
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""  # noqa: S608 - constants only

# A deadline that has passed is lifted: it would fail the job again at once. A person's wish asks no
# overlap policy and no parents; only what goes one after another still does, and who has a
# concurrency key stands in line again, at its end. At once, when its last place was not given on yet: a
# sibling that it would wait for may stand in that line. A payload that still
# speaks of parents' results runs only when the caller has filled it in. With `letters`, only whose letter
# of these is open: it is locked, after the jobs, so that nobody discards it between a look and the run.
RESTART = rf"""
WITH mine AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE id = ANY(%(ids)s)
       AND status IN ('failed', 'cancelled', 'skipped')
       AND (NOT draws_on_parents
            OR id = ANY(%(edited)s::uuid[])
            OR payload::text !~ '\{{\{{ *parents\.')
     ORDER BY id
       FOR UPDATE
), still_open AS MATERIALIZED (
    SELECT letter.job_id
      FROM mine
      JOIN jobs_deadletter AS letter ON letter.job_id = mine.id
     WHERE letter.id = ANY(%(letters)s::uuid[]) AND letter.resolution = ''
     ORDER BY letter.job_id
       FOR UPDATE OF letter
), restarted AS (
    UPDATE jobs_job AS job
       SET {NEW_ROUND},
           scheduled_at = %(now)s,
           origin = {THEIRS},
           gate = CASE WHEN job.overlap = 'wait' AND NOT job.holds_place THEN 'shut'
                       WHEN job.concurrency_key <> '' THEN 'keyed'
                       ELSE '' END,
           holds_place = false,
           in_line = false,
           tells_line = job.tells_line OR job.gate = 'keyed',
           payload = coalesce(given.payload::jsonb, job.payload),
           lane = coalesce(given.lane, job.lane),
           handler = coalesce(given.handler, job.handler),
           expires_at = CASE WHEN job.expires_at > %(now)s THEN job.expires_at END
      FROM mine
      LEFT JOIN unnest(%(edited)s::uuid[], %(payloads)s::text[], %(lanes)s::text[],
                       %(handlers)s::text[]) AS given(id, payload, lane, handler)
        ON given.id = mine.id
     WHERE job.id = mine.id
       AND (%(letters)s::uuid[] IS NULL OR mine.id IN (SELECT job_id FROM still_open))
    RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
), letters AS (
    UPDATE jobs_deadletter AS letter
       SET resolution = 'redriven', resolved_at = %(now)s, resolved_by = %(by)s
      FROM restarted
     WHERE letter.job_id = restarted.id AND letter.resolution = ''
)
SELECT id, merchant_id, kind, lane, status FROM restarted
"""  # noqa: S608 - constants only
