"""An attempt runs too long."""

from alerts.rules.kind import FOLDED, RULES, Parameter, RuleKind

# Index job_running holds what runs at this moment: no more than workers have places.
_FIND = f"""
WITH {RULES}, subject AS (
    SELECT rule.id AS rule_id,
           coalesce('template:' || job.template_id, 'handler:' || job.kind || ':' || job.handler)
               AS subject_key,
           coalesce(max(template.name), 'jobs of ' || max(job.kind || ' ' || job.handler)) AS subject,
           'The longest has been running since '
           || to_char(min(job.started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC.' AS detail,
           count(*) AS count, min(job.started_at) AS first_at, %(now)s::timestamptz AS last_at,
           (array_agg(job.id ORDER BY job.started_at))[1] AS job_id
      FROM jobs_job AS job
      JOIN rule ON (rule.merchant_id IS NULL OR rule.merchant_id = job.merchant_id)
               AND (rule.template_id IS NULL OR rule.template_id = job.template_id)
               AND job.started_at <= %(now)s::timestamptz - make_interval(secs => rule.bound)
      LEFT JOIN templates_app_template AS template ON template.id = job.template_id
     WHERE job.status = 'running'
     GROUP BY rule.id, 2
), {FOLDED}
"""  # noqa: S608 - constants only

RUN_TOO_LONG = RuleKind(
    name="run_too_long",
    title="Run takes too long",
    explains="An attempt has been running longer than it should; its timeout may be longer still.",
    find=_FIND,
    takes_template=True,
    parameters=(
        Parameter(
            name="seconds",
            column="bound",
            default=1_800,
            minimum=1,
            maximum=86_400,
            explains="Seconds that an attempt may run.",
        ),
    ),
)
