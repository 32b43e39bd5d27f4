"""A template did not succeed within its grace."""

from alerts.rules.kind import FOLDED, RULES, SUCCEEDED_SINCE, WATCHED, Parameter, RuleKind

# Three ways to miss a run: its job is unfinished too long after its time (index alerts_template_late: due
# and unfinished jobs of templates, the longest overdue first), it failed for good (new dead letters, as
# job_failed), or nobody made the job at all (index template_due: what is not planned in time misses a run a horizon later). What succeeds
# in time is in none of them, so an idle tick reads nothing.
_FIND = f"""
WITH {RULES}, shortest AS (
    SELECT min(bound) AS grace FROM rule
), fact AS MATERIALIZED (
    (SELECT job.merchant_id, job.template_id, job.id AS job_id, job.run_at,
            'A run has not succeeded yet.' AS detail, %(now)s::timestamptz AS seen_at
       FROM jobs_job AS job
      WHERE job.template_id IS NOT NULL AND job.finalized_at IS NULL
        AND job.run_at <= (SELECT %(now)s::timestamptz - make_interval(secs => grace) FROM shortest)
      ORDER BY job.run_at
      LIMIT %(limit)s)
    UNION ALL
    SELECT job.merchant_id, job.template_id, job.id, NULL, 'A run has failed for good.',
           letter.created_at
      FROM (SELECT id, job_id, created_at FROM jobs_deadletter
             WHERE id > %(after)s::uuid AND id <= %(upto)s::uuid
             ORDER BY id
             LIMIT %(limit)s) AS letter
      JOIN jobs_job AS job ON job.id = letter.job_id
     WHERE job.template_id IS NOT NULL
    UNION ALL
    (SELECT template.merchant_id, template.id, NULL,
            template.next_expansion_at + make_interval(secs => %(horizon)s::float8),
            'Its runs have not been planned.', %(now)s::timestamptz
       FROM templates_app_template AS template
      WHERE template.next_expansion_at
            <= (SELECT %(now)s::timestamptz - make_interval(secs => grace + %(horizon)s::float8)
                  FROM shortest)
      ORDER BY template.next_expansion_at
      LIMIT %(limit)s)
), {WATCHED}, subject AS (
    SELECT late.rule_id, 'template:' || late.template_id AS subject_key,
           max(template.name) AS subject, min(late.detail) AS detail, count(*) AS count,
           min(coalesce(late.run_at, late.seen_at)) AS first_at, max(late.seen_at) AS last_at,
           (array_agg(late.job_id ORDER BY late.seen_at DESC))[1] AS job_id
      FROM watched AS late
      JOIN templates_app_template AS template ON template.id = late.template_id
     WHERE late.run_at IS NULL
        OR late.run_at <= %(now)s::timestamptz - make_interval(secs => late.bound)
     GROUP BY late.rule_id, late.template_id
), {FOLDED}
"""  # noqa: S608 - constants only

RUN_MISSING = RuleKind(
    name="run_missing",
    title="Run missing",
    explains="A template's run did not succeed within its grace: it still waits or runs, failed for "
    "good, or was never planned.",
    find=_FIND,
    over=SUCCEEDED_SINCE,
    standing=False,
    takes_template=True,
    parameters=(
        Parameter(
            name="grace",
            column="bound",
            default=900,
            minimum=10,
            maximum=604_800,
            explains="Seconds after its time by which a run has to have succeeded.",
        ),
    ),
)
