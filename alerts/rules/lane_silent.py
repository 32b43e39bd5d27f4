"""No worker of a lane lives, or those that live take and finish nothing."""

from datetime import datetime
from typing import Any

from django.conf import settings

from alerts.rules.kind import FOLDED, RULES, Parameter, RuleKind, Whose
from jobs.handlers.kinds import LANES
from jobs.pulse import pulses

# One row a worker process, forgotten after a week. A lane whose last worker said goodbye is silent only
# when something is due in it (index job_due, one probe a priority). Of a lane whose workers live, canaries tell.
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
     WHERE lane.lane <> ALL(%(silent_lanes)s::text[])
       AND (lane.state <> 'stopped'
        OR EXISTS (
           SELECT 1
             FROM generate_series(0, 10) AS priority(level)
            CROSS JOIN LATERAL (
                  SELECT 1 FROM jobs_job
                   WHERE lane = lane.lane AND priority = priority.level
                     AND status IN ('scheduled', 'retryable') AND gate = ''
                     AND scheduled_at <= %(now)s::timestamptz
                   LIMIT 1) AS due))
    UNION ALL
    SELECT rule.id, 'lane:' || silent.lane, 'lane ' || silent.lane, silent.reason, 1::bigint,
           silent.since, %(now)s::timestamptz, NULL::uuid
      FROM rule
      JOIN unnest(%(silent_lanes)s::text[], %(silent_since)s::timestamptz[],
                  %(silent_reasons)s::text[]) AS silent(lane, since, reason)
        ON silent.since <= %(now)s::timestamptz - make_interval(secs => rule.bound)
), {FOLDED}
"""  # noqa: S608 - constants only


def _silent(now: datetime) -> dict[str, Any]:
    """Return the lanes whose workers live and bring no canary back."""
    known = pulses(LANES, now=now, engine=settings.TASKFLOW_ENGINE)
    silent = [
        (one.lane, one.silent_since, one.reason)
        for one in known
        if one.silent_since and one.workers
    ]
    lanes, since, reasons = zip(*silent, strict=True) if silent else ((), (), ())
    return {
        "silent_lanes": list(lanes),
        "silent_since": list(since),
        "silent_reasons": list(reasons),
    }


LANE_SILENT = RuleKind(
    name="lane_silent",
    title="A lane is silent",
    explains="No worker of a lane sends heartbeats any more, or those that do take and finish no jobs. The lane `control` runs the alerts itself: "
    "watch that one from outside, at /health/ready.",
    find=_FIND,
    also=_silent,
    whose=Whose.PLATFORM,
    parameters=(
        Parameter(
            name="seconds",
            column="bound",
            default=60,
            minimum=5,
            maximum=86_400,
            explains="Seconds without a heartbeat, or a canary.",
        ),
    ),
)
