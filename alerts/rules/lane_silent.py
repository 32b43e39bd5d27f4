"""No worker of a lane lives."""

from alerts.rules.kind import FOLDED, RULES, Parameter, RuleKind, Whose

# One row a worker process, forgotten after a week. A lane whose last worker said goodbye is silent only
# when something is due in it (index job_due, one probe a priority).
_FIND = f"""
WITH {RULES}, lane AS MATERIALIZED (
    SELECT DISTINCT ON (lane) lane, name, state, heartbeat_at
      FROM jobs_worker
     ORDER BY lane, heartbeat_at DESC
), subject AS (
    SELECT rule.id AS rule_id, 'lane:' || lane.lane AS subject_key, 'lane ' || lane.lane AS subject,
           'No worker has been heard of since '
           || to_char(lane.heartbeat_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
           || ' UTC; the last was ' || left(lane.name, 100) || '.' AS detail,
           1::bigint AS count, lane.heartbeat_at AS first_at, %(now)s::timestamptz AS last_at,
           NULL::uuid AS job_id
      FROM rule
      JOIN lane ON lane.heartbeat_at <= %(now)s::timestamptz - make_interval(secs => rule.bound)
     WHERE lane.state <> 'stopped'
        OR EXISTS (
           SELECT 1
             FROM generate_series(0, 10) AS priority(level)
            CROSS JOIN LATERAL (
                  SELECT 1 FROM jobs_job
                   WHERE lane = lane.lane AND priority = priority.level
                     AND status IN ('scheduled', 'retryable') AND gate = ''
                     AND scheduled_at <= %(now)s::timestamptz
                   LIMIT 1) AS due)
), {FOLDED}
"""  # noqa: S608 - constants only

LANE_SILENT = RuleKind(
    name="lane_silent",
    title="A lane is silent",
    explains="No worker of a lane sends heartbeats any more. The lane `control` runs the alerts itself: "
    "watch that one from outside, at /health/ready.",
    find=_FIND,
    whose=Whose.PLATFORM,
    parameters=(
        Parameter(
            name="seconds",
            column="bound",
            default=60,
            minimum=5,
            maximum=86_400,
            explains="Seconds without a heartbeat.",
        ),
    ),
)
