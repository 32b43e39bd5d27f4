"""Flow rules: what is due waits in line while a rule has no room. Used by lifecycle.flows."""

# One row, one entry of breaker_open, or one of job_parked. All that a step costs where there are no rules.
ANYTHING = """
SELECT (SELECT true FROM jobs_flow LIMIT 1) IS NOT NULL
    OR (SELECT true FROM jobs_breaker WHERE opened_at IS NOT NULL LIMIT 1) IS NOT NULL
    OR (SELECT true
          FROM jobs_job
         WHERE gate = 'parked' AND status IN ('scheduled', 'retryable')
         ORDER BY parked_by
         LIMIT 1) IS NOT NULL
"""

# Its own statement: the next one's snapshot must see what the lock's last holder committed.
LOCK = "SELECT pg_advisory_xact_lock(%(lock)s)"

# Index job_parked, hopping from line to line: a rule has one for each merchant and lane, so nobody waits
# for jobs that cannot go. A rule that was deleted may still have some.
LINES = """
WITH RECURSIVE line(id, merchant_id, lane) AS (
    (SELECT parked_by, merchant_id, lane
       FROM jobs_job
      WHERE gate = 'parked' AND status IN ('scheduled', 'retryable')
      ORDER BY parked_by, merchant_id, lane
      LIMIT 1)
    UNION ALL
    SELECT following.parked_by, following.merchant_id, following.lane
      FROM line
     CROSS JOIN LATERAL (
           SELECT job.parked_by, job.merchant_id, job.lane
             FROM jobs_job AS job
            WHERE job.gate = 'parked' AND job.status IN ('scheduled', 'retryable')
              AND (job.parked_by, job.merchant_id, job.lane)
                  > (line.id, line.merchant_id, line.lane)
            ORDER BY job.parked_by, job.merchant_id, job.lane
            LIMIT 1
           ) AS following
)
SELECT line.id, line.merchant_id, line.lane, merchant.weight
  FROM line
  JOIN tenants_merchant AS merchant ON merchant.id = line.merchant_id
 WHERE merchant.active
"""

_RULE = """
SELECT flow.id, flow.merchant_id, flow.scope, flow.name, flow.paused_at IS NOT NULL,
       flow.most_active, flow.rate, flow.rate_period, flow.burst, flow.tokens, flow.tokens_at
"""
RULES = f"""{_RULE}
  FROM jobs_flow AS flow
 WHERE flow.id = ANY(%(ids)s::uuid[])
"""

# Index flow_once, an arm each for the merchants' rules and for the operators' own: joined by an OR of both,
# each merchant's name met the rules that all merchants have under it.
RULES_FOR = f"""
WITH given AS MATERIALIZED (
    SELECT DISTINCT scope, name, merchant_id
      FROM unnest(%(scopes)s::text[], %(names)s::text[], %(merchants)s::uuid[])
        AS wanted(scope, name, merchant_id)
)
{_RULE}
  FROM given
  JOIN jobs_flow AS flow
    ON flow.scope = given.scope AND flow.name = given.name
   AND flow.merchant_id = given.merchant_id
 UNION ALL
{_RULE}
  FROM (SELECT DISTINCT scope, name FROM given) AS given
  JOIN jobs_flow AS flow
    ON flow.scope = given.scope AND flow.name = given.name AND flow.merchant_id IS NULL
"""  # noqa: S608 - constants only

# Indexes job_queued and job_running, an arm each: together they hold what lies in the broker and
# what runs, some thousand rows at most. (An IN of both would read neither.)
ACTIVE = """
SELECT merchant_id, template_id, kind, lane, handler, concurrency_key, count(*)
  FROM (SELECT merchant_id, template_id, kind, lane, handler, concurrency_key
          FROM jobs_job
         WHERE status = 'queued'
         UNION ALL
        SELECT merchant_id, template_id, kind, lane, handler, concurrency_key
          FROM jobs_job
         WHERE status = 'running') AS active
 GROUP BY 1, 2, 3, 4, 5, 6
"""

# Index job_parked, the first of each line; then the primary key. Joined, they were taken for a tenth of
# their lines, the room not being known, and the planner read all jobs to hash them.
RELEASE = """
WITH first AS MATERIALIZED (
    SELECT job.id
      FROM unnest(%(lines)s::uuid[], %(merchants)s::uuid[], %(lanes)s::text[], %(rooms)s::integer[])
        AS given(line, merchant_id, lane, room)
     CROSS JOIN LATERAL (
           SELECT parked.id
             FROM jobs_job AS parked
            WHERE parked.gate = 'parked'
              AND parked.status IN ('scheduled', 'retryable')
              AND parked.parked_by = given.line
              AND parked.merchant_id = given.merchant_id
              AND parked.lane = given.lane
            ORDER BY parked.parked_rank, parked.id
            LIMIT given.room
              FOR UPDATE SKIP LOCKED
           ) AS job
)
UPDATE jobs_job AS job
   SET gate = '', parked_by = NULL, parked_rank = NULL
 WHERE job.id = ANY(ARRAY(SELECT id FROM first))
RETURNING job.id
"""

# What FIND_DUE or FIND_SHARES has locked. Its place in line follows from when it was due and from its
# priority, so nothing starves. It was looked at in time: from here on it cannot be missed.
PARK = """
UPDATE jobs_job AS job
   SET gate = 'parked', parked_by = given.line,
       parked_rank = job.scheduled_at - make_interval(secs => job.priority * %(aging)s),
       missed_at = NULL
  FROM unnest(%(ids)s::uuid[], %(lines)s::uuid[]) AS given(id, line)
 WHERE job.id = given.id
RETURNING job.id
"""

SPEND = """
UPDATE jobs_flow AS flow
   SET tokens = given.tokens, tokens_at = %(now)s
  FROM unnest(%(ids)s::uuid[], %(tokens)s::float8[]) AS given(id, tokens)
 WHERE flow.id = given.id
RETURNING flow.id
"""
