"""Finished jobs go to the archive, and back when somebody wants to run one again."""

from jobs.models import Job

_COLUMNS = ", ".join(str(field.column) for field in Job._meta.concrete_fields)  # noqa: SLF001

# Index job_finalized, walked once from its beginning: the caller hands the last place back. Whatever
# must stay is passed over and not met again in the same walk. The lock comes first and what depends on
# other tables is asked by the next statement, whose snapshot is younger: a child that was stored while
# this one waited would not be seen. What still has to tell somebody of its end stays.
FIND_ENDED = """
SELECT id, finalized_at
  FROM jobs_job
 WHERE finalized_at < (SELECT %(before)s::timestamptz)
   AND (finalized_at, id) > (%(after_at)s::timestamptz, %(after_id)s::uuid)
   AND NOT awaited
   AND NOT holds_place
   AND NOT tells_line
   AND gate <> 'keyed'
 ORDER BY finalized_at, id
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""

# By primary key, of rows that the transaction has locked. The engine reads a job that has an open dead
# letter, a child that has not ended, or a unique key for a while longer: such a one stays. Scalar
# subqueries, one probe a row; as EXISTS they may be hashed, over all that is stored.
ARCHIVE = f"""
WITH gone AS MATERIALIZED (
    DELETE FROM jobs_job AS job
     WHERE job.id = ANY(%(ids)s::uuid[])
       AND (SELECT true
              FROM jobs_deadletter AS letter
             WHERE letter.job_id = job.id AND letter.resolution = ''
             LIMIT 1) IS NULL
       AND (SELECT true
              FROM jobs_dependency AS dependency
             CROSS JOIN LATERAL (
                   SELECT finalized_at FROM jobs_job WHERE id = dependency.child_id LIMIT 1
                   ) AS child
             WHERE dependency.parent_id = job.id AND child.finalized_at IS NULL
             LIMIT 1) IS NULL
       AND (job.unique_scope <> 'period'
            OR (SELECT true
                  FROM jobs_uniqueclaim AS claim
                 WHERE claim.merchant_id = job.merchant_id
                   AND claim.key = job.unique_key
                   AND claim.job_id = job.id
                   AND claim.until > %(now)s
                 LIMIT 1) IS NULL)
    RETURNING {_COLUMNS}
), kept AS (
    INSERT INTO jobs_archivedjob ({_COLUMNS}) SELECT {_COLUMNS} FROM gone
)
SELECT count(*) FROM gone
"""  # noqa: S608 - constants only

# The archive's primary key, one probe a week that is kept. Seldom: a person restarts an old job, or a
# new job is to depend on one.
RECALL = f"""
WITH back AS MATERIALIZED (
    DELETE FROM jobs_archivedjob
     WHERE id = ANY(%(ids)s::uuid[]) AND merchant_id = %(merchant)s
    RETURNING {_COLUMNS}
), stored AS (
    INSERT INTO jobs_job ({_COLUMNS}) SELECT {_COLUMNS} FROM back
)
SELECT id FROM back
"""  # noqa: S608 - constants only
