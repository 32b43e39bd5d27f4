"""Jobs behind a gate: undecided, or waiting for a sibling to end. Used by settle_overlaps.

A sibling is *going* when it is past its gate and in the line of a flow rule or of its concurrency key,
queued, running, between two attempts, or due; not when it was missed and waits for its template's misfire policy. Index job_template_unfinished holds
a template's unfinished jobs by gate, so its plans and its history cost nothing here.

Whom a job waits for depends on where it comes from. The schedule's jobs look at one another, and at
what people run by hand. What is made up for (overlap `wait`) yields to these and to its own kind, and
the schedule never waits for it. Backfills look at backfills only, and nobody looks at them: else
one that takes a day would have the schedule skip all its runs until then.
"""

from jobs.states import Origin

_LINE = """CASE WHEN job.origin = 'backfill' THEN 'backfill'
                  WHEN job.overlap = 'wait' THEN 'made_up'
                  ELSE 'schedule' END"""
_NO_BACKFILL = tuple(origin for origin in ("", *Origin) if origin != Origin.BACKFILL)

# A range of job_template_unfinished each. For an IN of both, or an order by the column itself, the
# planner walks job_one_per_occurrence, through a template's history.
_OPEN, _PARKED = "sibling.gate = ''", "sibling.gate = 'parked'"
_KEYED = "sibling.gate = 'keyed'"
_PAST_ITS_GATE = """sibling.status IN ('scheduled', 'queued', 'running', 'retryable')
          AND (sibling.status <> 'scheduled'
               OR sibling.attempt > 0
               OR (sibling.scheduled_at <= %(now)s
                   AND (sibling.missed_at IS NULL OR sibling.missed_at > %(now)s)))"""
_GOING = f"({_OPEN} OR {_PARKED} OR {_KEYED}) AND {_PAST_ITS_GATE}"
# Who is let through still needs a place of its concurrency key.
_OPENED = "CASE WHEN job.concurrency_key = '' THEN '' ELSE 'keyed' END"
_IN_ITS_WAY = """CASE {line}
              WHEN 'backfill' THEN sibling.origin = 'backfill'
              WHEN 'made_up' THEN sibling.origin <> 'backfill'
              ELSE sibling.origin <> 'backfill' AND sibling.overlap <> 'wait' END"""


def _held(overlap: str, *origins: str) -> str:
    """Return whether something waits at `due`'s template: a probe of job_held each, so no IN.

    Nor EXISTS, which may be hashed, over all that is held on the platform.
    """
    wanted = [f"other.overlap = '{overlap}' AND other.origin = '{origin}'" for origin in origins]
    probes = [_PROBE.format(wanted=one) for one in wanted or [f"other.overlap = '{overlap}'"]]
    return f"({' OR '.join(probes)})"


_PROBE = """(SELECT true
                    FROM jobs_job AS other
                   WHERE other.gate = 'held' AND other.status = 'scheduled'
                     AND other.template_id = due.template_id
                     AND {wanted}
                   ORDER BY other.origin
                   LIMIT 1) IS NOT NULL"""


def _nothing_in_its_way(gate: str) -> str:
    """Return whether no sibling behind this gate keeps `earliest` from going."""
    return f"""(SELECT true
              FROM jobs_job AS sibling
             WHERE sibling.template_id = earliest.template_id
               AND {gate}
               AND {_PAST_ITS_GATE}
               AND {_IN_ITS_WAY.format(line="earliest.line")}
             ORDER BY (sibling.occurrence_at AT TIME ZONE 'UTC')
             LIMIT 1) IS NULL"""  # noqa: S608 - constants only


def _latest_in_its_way(gate: str) -> str:
    """Return the latest sibling behind this gate that is in the way of `due`."""
    return f"""(SELECT sibling.id, sibling.occurrence_at
         FROM jobs_job AS sibling
        WHERE sibling.template_id = due.template_id
          AND {gate}
          AND {_PAST_ITS_GATE}
          AND {_IN_ITS_WAY.format(line="due.line")}
        ORDER BY (sibling.occurrence_at AT TIME ZONE 'UTC') DESC
        LIMIT 1)"""  # noqa: S608 - constants only


# Index job_shut, and whether job_held is empty. All that a step costs when no such job is due.
ANYTHING = """
SELECT (SELECT true
          FROM jobs_job AS job
         WHERE job.gate = 'shut'
           AND job.status = 'scheduled'
           AND job.scheduled_at <= (SELECT %(now)s::timestamptz)
           AND (job.missed_at IS NULL OR job.missed_at > %(now)s)
           AND (job.expires_at IS NULL OR job.expires_at > %(now)s)
           AND (SELECT merchant.active FROM tenants_merchant AS merchant
                 WHERE merchant.id = job.merchant_id)
         ORDER BY job.scheduled_at
         LIMIT 1) IS NOT NULL
    OR (SELECT true
          FROM jobs_job
         WHERE gate = 'held' AND status = 'scheduled'
         ORDER BY template_id
         LIMIT 1) IS NOT NULL
"""

# Its own statement: the next one's snapshot must see what the lock's last holder committed.
LOCK = "SELECT pg_advisory_xact_lock(%(lock)s)"

# Index job_held, hopping over what holds jobs: the cost is in templates that hold some, not in the
# thousands of jobs that a backfill may hold. The earliest of each line goes when nothing is in its
# way.
RELEASE = f"""
WITH RECURSIVE holding AS (
    (SELECT template_id, overlap, origin
       FROM jobs_job
      WHERE gate = 'held' AND status = 'scheduled'
      ORDER BY template_id, overlap, origin
      LIMIT 1)
    UNION ALL
    SELECT following.template_id, following.overlap, following.origin
      FROM holding
     CROSS JOIN LATERAL (
           SELECT job.template_id, job.overlap, job.origin
             FROM jobs_job AS job
            WHERE job.gate = 'held' AND job.status = 'scheduled'
              AND (job.template_id, job.overlap, job.origin)
                  > (holding.template_id, holding.overlap, holding.origin)
            ORDER BY job.template_id, job.overlap, job.origin
            LIMIT 1
           ) AS following
), candidate AS MATERIALIZED (
    SELECT job.id, job.occurrence_at, holding.template_id, job.line
      FROM holding
     CROSS JOIN LATERAL (
           SELECT job.id, job.occurrence_at, {_LINE} AS line
             FROM jobs_job AS job
            WHERE job.gate = 'held'
              AND job.status = 'scheduled'
              AND job.template_id = holding.template_id
              AND job.overlap = holding.overlap
              AND job.origin = holding.origin
              AND (SELECT merchant.active FROM tenants_merchant AS merchant
                    WHERE merchant.id = job.merchant_id)
            ORDER BY job.occurrence_at, job.id
            LIMIT 1
              FOR UPDATE OF job SKIP LOCKED
           ) AS job
), earliest AS MATERIALIZED (
    SELECT DISTINCT ON (template_id, line) id, template_id, line
      FROM candidate
     ORDER BY template_id, line, occurrence_at, id
), next AS MATERIALIZED (
    SELECT earliest.id
      FROM earliest
     WHERE {_nothing_in_its_way(_OPEN)}
       AND {_nothing_in_its_way(_PARKED)}
       AND {_nothing_in_its_way(_KEYED)}
       AND NOT (earliest.line = 'made_up'
                AND EXISTS (SELECT FROM earliest AS other
                             WHERE other.template_id = earliest.template_id
                               AND other.line = 'schedule'))
)
UPDATE jobs_job AS job
   SET gate = {_OPENED}
  FROM next
 WHERE job.id = next.id AND job.gate = 'held' AND job.status = 'scheduled'
RETURNING job.id
"""  # noqa: S608 - constants only

# Index job_shut; index job_held for what waits. What is locked by somebody else (a person cancels it)
# is looked at the next time.
FIND_SHUT = f"""
WITH due AS MATERIALIZED (
    SELECT job.id, job.template_id, job.occurrence_at, job.overlap, {_LINE} AS line
      FROM jobs_job AS job
     WHERE job.gate = 'shut'
       AND job.status = 'scheduled'
       AND job.scheduled_at <= (SELECT %(now)s::timestamptz)
       AND (job.missed_at IS NULL OR job.missed_at > %(now)s)
       AND (job.expires_at IS NULL OR job.expires_at > %(now)s)
       AND (SELECT merchant.active FROM tenants_merchant AS merchant
             WHERE merchant.id = job.merchant_id)
     ORDER BY job.scheduled_at, job.occurrence_at, job.id
     LIMIT %(limit)s
       FOR UPDATE OF job SKIP LOCKED
)
SELECT due.id, due.template_id, due.occurrence_at, due.overlap, due.line = 'backfill',
       going.id IS NOT NULL, going.occurrence_at,
       CASE WHEN due.line = 'backfill'
            THEN {_held("wait", "backfill")}
            ELSE {_held("queue_one")}
                 OR {_held("cancel_running")}
                 OR (due.line = 'made_up' AND {_held("wait", *_NO_BACKFILL)})
            END,
       {_held("queue_one")}
  FROM due
  LEFT JOIN LATERAL (
       SELECT latest.id, latest.occurrence_at
         FROM ({_latest_in_its_way(_OPEN)} UNION ALL {_latest_in_its_way(_PARKED)}
               UNION ALL {_latest_in_its_way(_KEYED)}) AS latest
        ORDER BY latest.occurrence_at DESC
        LIMIT 1
       ) AS going ON true
"""  # noqa: S608 - constants only

# The decisions on what FIND_SHUT locked. A held job waits by its template's wish: it cannot be
# missed any more.
SETTLE = f"""
WITH decided AS MATERIALIZED (
    SELECT job.id, given.gate, given.skip, given.reason
      FROM jobs_job AS job
      JOIN unnest(%(ids)s::uuid[], %(gates)s::text[], %(skips)s::boolean[], %(reasons)s::text[])
        AS given(id, gate, skip, reason)
        ON job.id = given.id
     WHERE job.gate = 'shut' AND job.status = 'scheduled'
)
UPDATE jobs_job AS job
   SET gate = CASE WHEN decided.gate = '' AND NOT decided.skip THEN {_OPENED}
                   ELSE decided.gate END,
       status = CASE WHEN decided.skip THEN 'skipped' ELSE 'scheduled' END,
       finalized_at = CASE WHEN decided.skip THEN %(now)s END,
       skip_reason = left(decided.reason, 200),
       missed_at = CASE WHEN decided.gate = 'held' THEN NULL ELSE job.missed_at END
  FROM decided
 WHERE job.id = decided.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status,
          job.template_id, job.occurrence_at, job.skip_reason
"""  # noqa: S608 - constants only

# Index job_held_cancelling. Asked at every step for as long as the job is held, so a sibling that
# is locked now, or starts later, is reached as well. Of several that wait the latest stays.
MAKE_WAY = f"""
WITH latest AS MATERIALIZED (
    SELECT DISTINCT ON (template_id) id, template_id, occurrence_at
      FROM jobs_job
     WHERE gate = 'held' AND overlap = 'cancel_running' AND status = 'scheduled'
     ORDER BY template_id, occurrence_at DESC, id DESC
), theirs AS MATERIALIZED (
    SELECT sibling.id, latest.occurrence_at AS for_occurrence
      FROM latest
      JOIN jobs_job AS sibling ON sibling.template_id = latest.template_id
     WHERE sibling.id <> latest.id
       AND sibling.cancel_requested_at IS NULL
       AND sibling.status IN ('scheduled', 'queued', 'running', 'retryable')
       AND ((sibling.gate = 'held' AND sibling.overlap = 'cancel_running')
            OR ({_GOING}
                AND sibling.origin <> 'backfill' AND sibling.overlap <> 'wait'))
     ORDER BY sibling.id
       FOR UPDATE OF sibling SKIP LOCKED
)
UPDATE jobs_job AS job
   SET status = CASE WHEN job.status = 'running' THEN 'running' ELSE 'cancelled' END,
       finalized_at = CASE WHEN job.status = 'running' THEN NULL ELSE %(now)s END,
       cancel_requested_at = %(now)s,
       ticket = CASE WHEN job.status = 'running' THEN job.ticket END,
       queue_lease_until = NULL,
       skip_reason = CASE WHEN job.status = 'running' THEN '' ELSE coalesce(
           'The run of ' || to_char(theirs.for_occurrence AT TIME ZONE 'UTC',
                                    'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'A later run') || ' fell due; its template then cancels what has not ended.' END
  FROM theirs
 WHERE job.id = theirs.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status,
          job.template_id, job.occurrence_at, job.skip_reason, job.attempt
"""  # noqa: S608 - constants only
