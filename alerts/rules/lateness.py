"""A merchant's jobs start late."""

from alerts.rules.kind import FOLDED, RULES, Parameter, RuleKind, Whose

# One probe of index job_due_of_merchant a rule, lane and priority: the first of each is the one that has
# waited longest. A backlog of any size costs the same.
_FIND = f"""
WITH {RULES}, oldest AS (
    SELECT rule.id AS rule_id, lane.name AS lane, job.id, job.scheduled_at
      FROM rule
     CROSS JOIN unnest(%(lanes)s::text[]) AS lane(name)
     CROSS JOIN generate_series(0, 10) AS priority(level)
     CROSS JOIN LATERAL (
           SELECT id, scheduled_at
             FROM jobs_job
            WHERE lane = lane.name AND merchant_id = rule.merchant_id AND priority = priority.level
              AND status IN ('scheduled', 'retryable') AND gate = ''
              AND scheduled_at <= %(now)s::timestamptz - make_interval(secs => rule.bound)
            ORDER BY scheduled_at, id
            LIMIT 1) AS job
), subject AS (
    SELECT rule_id, 'lane:' || lane AS subject_key, 'jobs of lane ' || lane AS subject,
           'The oldest has been due since '
           || to_char(min(scheduled_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC.' AS detail,
           1::bigint AS count, min(scheduled_at) AS first_at, %(now)s::timestamptz AS last_at,
           (array_agg(id ORDER BY scheduled_at))[1] AS job_id
      FROM oldest
     GROUP BY rule_id, lane
), {FOLDED}
"""  # noqa: S608 - constants only

LATENESS = RuleKind(
    name="lateness",
    title="Jobs start late",
    explains="One of the merchant's due jobs waits for a worker longer than it should. What flow rules, "
    "keys and dependencies hold back does not count.",
    find=_FIND,
    whose=Whose.MERCHANTS,
    parameters=(
        Parameter(
            name="seconds",
            column="bound",
            default=300,
            minimum=5,
            maximum=86_400,
            explains="Seconds that a due job may wait.",
        ),
    ),
)
