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

_RULE = """
SELECT flow.id, flow.merchant_id, flow.scope, flow.name, flow.paused_at IS NOT NULL AS paused,
       flow.most_active, flow.rate, flow.rate_period, flow.burst, flow.tokens, flow.tokens_at
"""

# Index job_parked, hopping from rule to rule, however many stand in the lines of each.
_WAITED_FOR = """
WITH RECURSIVE waited(id) AS (
    (SELECT parked_by
       FROM jobs_job
      WHERE gate = 'parked' AND status IN ('scheduled', 'retryable')
      ORDER BY parked_by
      LIMIT 1)
    UNION ALL
    SELECT (SELECT job.parked_by
              FROM jobs_job AS job
             WHERE job.gate = 'parked' AND job.status IN ('scheduled', 'retryable')
               AND job.parked_by > waited.id
             ORDER BY job.parked_by
             LIMIT 1)
      FROM waited
     WHERE waited.id IS NOT NULL
)
"""

# The rules that somebody stands in line for and that may have room; first the line's own id, since it may
# be a breaker's, or a rule's that was deleted. Left out: what is paused, and buckets that surely hold no
# token (whether one that is almost there counts, jobs.flow decides).
WAITED_FOR = f"""{_WAITED_FOR}
SELECT waited.id, rule.*
  FROM waited
  LEFT JOIN ({_RULE} FROM jobs_flow AS flow) AS rule ON rule.id = waited.id
 WHERE waited.id IS NOT NULL
   AND rule.paused IS NOT TRUE
   AND (rule.rate IS NULL OR rule.tokens IS NULL
        OR rule.tokens + rule.rate::float8 / rule.rate_period
           * greatest(extract(epoch FROM %(now)s::timestamptz - rule.tokens_at), 0) > 0.999)
"""  # noqa: S608 - constants only

# When the next token comes that somebody waits for, rounded up; NULL when nobody does.
NEXT_TOKEN = f"""{_WAITED_FOR}
SELECT min(token.at)
  FROM waited
  JOIN jobs_flow AS flow ON flow.id = waited.id
 CROSS JOIN LATERAL (
       SELECT flow.tokens_at
              + make_interval(secs => (1 - flow.tokens) * flow.rate_period / flow.rate + 0.000001) AS at
       ) AS token
 WHERE flow.paused_at IS NULL AND flow.rate IS NOT NULL AND token.at > %(now)s
"""  # noqa: S608 - constants only

# Index job_parked, hopping from line to line: a rule has one for each merchant and lane, so nobody waits
# for jobs that cannot go. A rule that was deleted may still have some.
LINES = """
WITH RECURSIVE line(id, merchant_id, lane) AS (
    SELECT first.*
      FROM unnest(%(ids)s::uuid[]) AS given(id)
     CROSS JOIN LATERAL (
           SELECT job.parked_by, job.merchant_id, job.lane
             FROM jobs_job AS job
            WHERE job.gate = 'parked' AND job.status IN ('scheduled', 'retryable')
              AND job.parked_by = given.id
            ORDER BY job.merchant_id, job.lane
            LIMIT 1
           ) AS first
    UNION ALL
    SELECT following.*
      FROM line
     CROSS JOIN LATERAL (
           SELECT job.parked_by, job.merchant_id, job.lane
             FROM jobs_job AS job
            WHERE job.gate = 'parked' AND job.status IN ('scheduled', 'retryable')
              AND job.parked_by = line.id
              AND (job.merchant_id, job.lane) > (line.merchant_id, line.lane)
            ORDER BY job.merchant_id, job.lane
            LIMIT 1
           ) AS following
)
SELECT line.id, line.merchant_id, line.lane, merchant.weight
  FROM line
  JOIN tenants_merchant AS merchant ON merchant.id = line.merchant_id
 WHERE merchant.active
"""

# Index flow_once, an arm each for the rules of one merchant (its own and the operators') and for those over
# all: joined by an OR of both, each merchant's name met the rules that all merchants have under it.
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
# priority, so nothing starves. It was looked at in time: from here on it cannot be missed. How long it
# waits for a host goes on while it tries it, or stands in other lines in between.
PARK = """
UPDATE jobs_job AS job
   SET gate = 'parked', parked_by = given.line,
       parked_rank = job.scheduled_at - make_interval(secs => job.priority * %(aging)s),
       missed_at = NULL,
       unanswered_since = CASE WHEN given.line = ANY(%(breakers)s::uuid[])
                               THEN coalesce(job.unanswered_since, %(now)s::timestamptz)
                               ELSE job.unanswered_since END
  FROM unnest(%(ids)s::uuid[], %(lines)s::uuid[]) AS given(id, line)
 WHERE job.id = given.id
RETURNING job.id
"""

# A populator whose clock is late does not wind a bucket back: it would be filled twice for that time.
SPEND = """
UPDATE jobs_flow AS flow
   SET tokens = given.tokens, tokens_at = greatest(flow.tokens_at, %(now)s)
  FROM unnest(%(ids)s::uuid[], %(tokens)s::float8[]) AS given(id, tokens)
 WHERE flow.id = given.id
RETURNING flow.id
"""
