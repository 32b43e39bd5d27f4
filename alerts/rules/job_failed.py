"""A job failed for good."""

from alerts.rules.kind import FOLDED, RULES, SUCCEEDED_SINCE, WATCHED, Parameter, RuleKind

# New dead letters only: the primary key (UUIDv7) between the cursor and what is surely committed, at most
# `limit` of them, each with a probe of its job. The platform's own messages are left out: that one
# could not be sent must not make another one.
_FIND = f"""
WITH {RULES}, letter AS MATERIALIZED (
    SELECT id, merchant_id, job_id, kind, handler, error_code, error_message, created_at
      FROM jobs_deadletter
     WHERE id > %(after)s::uuid AND id <= %(upto)s::uuid AND kind <> 'alert'
     ORDER BY id
     LIMIT %(limit)s
), fact AS (
    SELECT letter.*, job.template_id, template.name AS template_name
      FROM letter
      JOIN jobs_job AS job ON job.id = letter.job_id
      LEFT JOIN templates_app_template AS template ON template.id = job.template_id
), {WATCHED}, subject AS (
    SELECT fact.rule_id,
           coalesce('template:' || fact.template_id, 'handler:' || fact.kind || ':' || fact.handler)
               AS subject_key,
           coalesce(max(fact.template_name), 'jobs of ' || max(fact.kind || ' ' || fact.handler))
               AS subject,
           (array_agg(left(fact.error_code || ': ' || fact.error_message, 400) ORDER BY fact.id DESC))[1]
               AS detail,
           count(*) AS count, min(fact.created_at) AS first_at, max(fact.created_at) AS last_at,
           (array_agg(fact.job_id ORDER BY fact.id DESC))[1] AS job_id
      FROM watched AS fact
     GROUP BY fact.rule_id, 2
), {FOLDED}
"""  # noqa: S608 - constants only

# A template's trouble is over when it runs again. Jobs without one have no next run to wait for: theirs
# is over when none failed for a while.
_OVER = f"""{SUCCEEDED_SINCE}
UNION ALL
SELECT incident.id
  FROM alerts_incident AS incident
  JOIN unnest(%(rules)s::uuid[], %(spans)s::float8[]) AS rule(id, span) ON rule.id = incident.rule_id
 WHERE incident.state <> 'resolved'
   AND incident.subject_key NOT LIKE 'template:%%'
   AND incident.last_seen <= %(now)s::timestamptz - make_interval(secs => rule.span)
"""  # noqa: S608 - constants only

JOB_FAILED = RuleKind(
    name="job_failed",
    title="Job failed for good",
    explains="A job has used up its attempts, or cannot succeed. Failures of one template, or of one "
    "handler, are one incident.",
    find=_FIND,
    over=_OVER,
    standing=False,
    adds=True,
    takes_template=True,
    parameters=(
        Parameter(
            name="quiet",
            column="span",
            default=3_600,
            minimum=60,
            maximum=604_800,
            explains="Seconds without a failure after which it is over. A template's is over when it "
            "runs again.",
        ),
    ),
)
