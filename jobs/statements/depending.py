"""Jobs that depend on jobs: stored with them, settled when a parent has ended.

A child's fate is decided under a lock on its row that an earlier statement took, so the deciding
statement's snapshot sees what the lock's last holder committed of its other parents. Decided in the
statement that locks, two populators that settle a child's last two parents at once would each see
the other's as open, and nobody would ever open the child.
"""

from jobs.statements.steering import THEIRS

# A running parent may end at any moment: under this lock it has not, or its end is known to all.
# In id order, as every set.
LOCK_PARENTS = """
SELECT id
  FROM jobs_job
 WHERE id = ANY(%(ids)s) AND merchant_id = %(merchant)s
 ORDER BY id
   FOR NO KEY UPDATE
"""

# A plan of the expander that somebody depends on is theirs: an edit of its template would delete it.
AWAIT = f"""
UPDATE jobs_job AS job
   SET awaited = true, origin = {THEIRS}
 WHERE id = ANY(%(ids)s) AND NOT awaited
RETURNING id
"""  # noqa: S608 - constants only

DEPEND = """
INSERT INTO jobs_dependency (parent_id, child_id, name, needs, outcome)
SELECT parent_id, child_id, name, needs, 'open'
  FROM unnest(%(parents)s::uuid[], %(children)s::uuid[], %(names)s::text[], %(needs)s::text[])
    AS given(parent_id, child_id, name, needs)
"""

# Index job_awaited_ended, which is empty unless something is to be settled.
ANYTHING = """
SELECT (SELECT true
          FROM jobs_job
         WHERE awaited AND finalized_at IS NOT NULL
         ORDER BY id
         LIMIT 1) IS NOT NULL
"""

FIND_ENDED = """
SELECT id
  FROM jobs_job
 WHERE awaited AND finalized_at IS NOT NULL
 ORDER BY id
 LIMIT %(limit)s
   FOR NO KEY UPDATE SKIP LOCKED
"""

# Index dependency_open, one range a parent, each of the same length: one merchant's ten thousand do not
# hold up another's one.
FIND_OPEN = """
SELECT dependency.id, dependency.child_id, ended.id
  FROM unnest(%(parents)s::uuid[]) AS ended(id)
 CROSS JOIN LATERAL (
       SELECT open.id, open.child_id
         FROM jobs_dependency AS open
        WHERE open.parent_id = ended.id AND open.outcome = 'open'
        LIMIT %(share)s
       ) AS dependency
"""

# What somebody else holds (an edit, another populator) is left for the next step: no waiting, so no
# deadlock, whatever the order of a child's and its parents' ids.
LOCK_CHILDREN = """
SELECT id, draws_on_parents
  FROM jobs_job
 WHERE id = ANY(%(ids)s) AND status = (SELECT 'blocked')
 ORDER BY id
   FOR NO KEY UPDATE SKIP LOCKED
"""

# A child that is not blocked any more was cancelled, expired or restarted: nothing hangs on this.
# Row by row by primary keys (LIMIT), and decided before it is written (MATERIALIZED): a plan that was
# made while the tables were small joined them the other way round, for each of a thousand rows once
# through all that is open.
SETTLE = """
WITH decided AS MATERIALIZED (
    SELECT found.id,
           CASE WHEN found.needs = 'finished'
                  OR (found.needs = 'success' AND parent.status = 'succeeded')
                  OR (found.needs = 'failure' AND parent.status = 'failed')
                THEN 'met' ELSE 'unmet' END AS outcome
      FROM unnest(%(ids)s::uuid[]) AS given(id)
     CROSS JOIN LATERAL (
           SELECT id, parent_id, child_id, needs FROM jobs_dependency WHERE id = given.id LIMIT 1
           ) AS found
     CROSS JOIN LATERAL (
           SELECT status FROM jobs_job WHERE id = found.parent_id LIMIT 1
           ) AS parent
     CROSS JOIN LATERAL (
           SELECT id, status FROM jobs_job WHERE id = found.child_id LIMIT 1
           ) AS child
     WHERE child.status <> 'blocked' OR child.id = ANY(%(locked)s)
)
UPDATE jobs_dependency AS dependency
   SET outcome = decided.outcome
  FROM decided
 WHERE dependency.id = decided.id AND dependency.outcome = (SELECT 'open')
RETURNING dependency.id
"""

# The constraint dependency_once. A cancelled parent cancels what needed more of it; any other end
# skips. Of several unmet ones the first is named.
GIVE_UP = """
WITH hopeless AS MATERIALIZED (
    SELECT DISTINCT ON (dependency.child_id)
           dependency.child_id, dependency.needs, dependency.name, parent.id, parent.status
      FROM unnest(%(locked)s::uuid[]) AS given(id)
     CROSS JOIN LATERAL (
           SELECT id, child_id, parent_id, needs, name
             FROM jobs_dependency
            WHERE child_id = given.id AND outcome = 'unmet'
           OFFSET 0
           ) AS dependency
     CROSS JOIN LATERAL (
           SELECT id, status FROM jobs_job WHERE id = dependency.parent_id LIMIT 1
           ) AS parent
     ORDER BY dependency.child_id, dependency.id
)
UPDATE jobs_job AS job
   SET status = CASE WHEN hopeless.status = 'cancelled' THEN 'cancelled' ELSE 'skipped' END,
       cancel_requested_at = CASE WHEN hopeless.status = 'cancelled' THEN %(now)s::timestamptz END,
       finalized_at = %(now)s,
       skip_reason = 'It needed the '
           || CASE hopeless.needs WHEN 'failure' THEN 'failure' ELSE 'success' END
           || ' of ' || CASE WHEN hopeless.name = hopeless.id::text THEN ''
                             ELSE hopeless.name || ', ' END
           || 'job ' || hopeless.id || ', which ended as ' || hopeless.status || '.'
  FROM hopeless
 WHERE job.id = hopeless.child_id AND job.status = (SELECT 'blocked')
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# One range of dependency_once a child, of MAX_PARENTS rows at most. Not EXISTS, which may be hashed,
# over all that is stored; no order, for whose sake the planner walks another index.
_ALL_MET = """(SELECT count(*)
          FROM jobs_dependency AS dependency
         WHERE dependency.child_id = job.id AND dependency.outcome <> 'met') = 0"""

OPEN = f"""
UPDATE jobs_job AS job
   SET status = 'scheduled', scheduled_at = greatest(job.run_at, %(now)s)
  FROM unnest(%(locked)s::uuid[]) AS given(id)
 WHERE job.id = given.id
   AND job.status = (SELECT 'blocked')
   AND NOT job.draws_on_parents
   AND {_ALL_MET}
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""  # noqa: S608 - constants only

# Only parents that the child speaks of, and only results that together are not too large, travel; the
# child's payload does so once: a hundred times a hundred of them would not fit into the populator's
# memory.
_READ = """
WITH child AS MATERIALIZED (
    SELECT job.id, job.merchant_id, job.kind, job.handler, job.payload::text AS payload, job.condition
      FROM unnest(%(ids)s::uuid[]) AS given(id)
      JOIN jobs_job AS job ON job.id = given.id
     WHERE job.draws_on_parents
       AND {that_is}
)
SELECT child.id, child.merchant_id, child.kind, child.handler,
       CASE WHEN coalesce(parent.place, 1) = 1 THEN child.payload END,
       child.condition, parent.name, parent.status,
       CASE WHEN parent.bytes <= %(most_bytes)s THEN parent.output END,
       coalesce(parent.error_code, ''),
       coalesce(parent.bytes > %(most_bytes)s, false)
  FROM child
  LEFT JOIN LATERAL (
       SELECT dependency.name, ended.status, last.output, last.error_code,
              sum(octet_length(last.output)) OVER () AS bytes,
              row_number() OVER (ORDER BY dependency.id) AS place
         FROM jobs_dependency AS dependency
         JOIN {parents} AS ended ON ended.id = dependency.parent_id
         LEFT JOIN LATERAL (
              SELECT execution.output::text AS output, execution.error_code
                FROM jobs_execution AS execution
               WHERE execution.job_id = ended.id
               ORDER BY execution.number DESC
               LIMIT 1
              ) AS last ON true
        WHERE dependency.child_id = child.id
          AND position(dependency.name IN child.condition || child.payload) > 0
        ORDER BY dependency.id
        LIMIT %(most_parents)s
       ) AS parent ON true
 ORDER BY child.id, parent.place
"""

FIND_READY = _READ.format(
    parents="jobs_job", that_is=f"job.status = (SELECT 'blocked') AND {_ALL_MET}"
)

# For a person's retry, which asks no parent's leave.
FIND_DRAWING = """
SELECT id
  FROM jobs_job
 WHERE id = ANY(%(ids)s) AND draws_on_parents AND status IN ('failed', 'cancelled', 'skipped')
 ORDER BY id
"""
# Its parents may be archived: they ended before it did.
FIND_UNFILLED = _READ.format(
    parents="jobs_anyjob", that_is="job.status IN ('failed', 'cancelled', 'skipped')"
)

# A dead letter is written by the statement that fails the job, so neither exists without the other.
JUDGE = """
WITH judged AS (
    UPDATE jobs_job AS job
       SET status = given.status,
           scheduled_at = CASE WHEN given.status = 'scheduled'
                               THEN greatest(job.run_at, %(now)s) ELSE job.scheduled_at END,
           finalized_at = CASE WHEN given.status <> 'scheduled' THEN %(now)s::timestamptz END,
           payload = coalesce(given.payload::jsonb, job.payload),
           lane = CASE WHEN given.status = 'scheduled' THEN given.lane ELSE job.lane END,
           handler = CASE WHEN given.status = 'scheduled' THEN given.handler ELSE job.handler END,
           draws_on_parents = given.status <> 'scheduled',
           skip_reason = CASE WHEN given.status = 'skipped'
                              THEN left(given.reason, 200) ELSE '' END
      FROM unnest(%(ids)s::uuid[], %(statuses)s::text[], %(payloads)s::text[], %(lanes)s::text[],
                  %(handlers)s::text[], %(reasons)s::text[], %(codes)s::text[],
                  %(fingerprints)s::text[])
        AS given(id, status, payload, lane, handler, reason, code, fingerprint)
     WHERE job.id = given.id AND job.status = (SELECT 'blocked')
    RETURNING job.id, job.merchant_id, job.kind, job.handler, job.lane, job.status, job.attempt,
              given.code, given.reason, given.fingerprint
), letters AS (
    INSERT INTO jobs_deadletter (job_id, merchant_id, kind, handler, error_code, error_message,
                                 fingerprint, attempts, created_at, resolution, resolved_by, reason)
    SELECT id, merchant_id, kind, handler, code, reason, fingerprint, attempt, %(now)s, '', '', ''
      FROM judged
     WHERE status = 'failed'
    ON CONFLICT (job_id) WHERE resolution = '' DO NOTHING
)
SELECT id, merchant_id, kind, lane, status FROM judged
"""

# Index dependency_open. Whoever adds a child to such a parent waits for its lock, and sets the mark
# again.
LET_GO = """
UPDATE jobs_job AS job
   SET awaited = false
  FROM unnest(%(parents)s::uuid[]) AS ended(id)
 WHERE job.id = ended.id
   AND (SELECT true
          FROM jobs_dependency AS dependency
         WHERE dependency.parent_id = ended.id AND dependency.outcome = 'open'
         LIMIT 1) IS NULL
RETURNING job.id
"""
