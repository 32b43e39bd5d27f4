"""The oldest due job of a lane, of whatever merchant, waits too long."""

from alerts.rules.kind import FOLDED, RULES, Parameter, RuleKind, Whose

# One probe of index job_due a rule, lane and priority, as lateness; and of index job_queued what lies in
# the broker, which is bounded (TASKFLOW_QUEUED_LIMIT).
_FIND = f"""
WITH {RULES}, oldest AS (
    SELECT rule.id AS rule_id, lane.name AS lane, job.id, job.scheduled_at
      FROM rule
     CROSS JOIN unnest(%(lanes)s::text[]) AS lane(name)
     CROSS JOIN generate_series(0, 10) AS priority(level)
     CROSS JOIN LATERAL (
           SELECT id, scheduled_at
             FROM jobs_job
            WHERE lane = lane.name AND priority = priority.level
              AND status IN ('scheduled', 'retryable') AND gate = ''
              AND scheduled_at <= %(now)s::timestamptz - make_interval(secs => rule.bound)
            ORDER BY scheduled_at, id
            LIMIT 1) AS job
    UNION ALL
    SELECT rule.id, job.lane, job.id, job.scheduled_at
      FROM rule
      JOIN jobs_job AS job
        ON job.scheduled_at <= %(now)s::timestamptz - make_interval(secs => rule.bound)
     WHERE job.status = 'queued' AND job.lane = ANY(%(lanes)s::text[])
), subject AS (
    SELECT rule_id, 'lane:' || lane AS subject_key, 'lane ' || lane AS subject,
           'The oldest job has been due since '
           || to_char(min(scheduled_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC.' AS detail,
           1::bigint AS count, min(scheduled_at) AS first_at, %(now)s::timestamptz AS last_at,
           (array_agg(id ORDER BY scheduled_at))[1] AS job_id
      FROM oldest
     GROUP BY rule_id, lane
), {FOLDED}
"""  # noqa: S608 - constants only

QUEUE_AGE = RuleKind(
    name="queue_age",
    title="A lane's queue is old",
    explains="The oldest due job of a lane waits longer than it should, whoever's it is.",
    find=_FIND,
    whose=Whose.PLATFORM,
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
