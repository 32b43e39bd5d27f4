"""Too many attempts fail."""

from alerts.rules.kind import FOLDED, RULES, Parameter, RuleKind

# The newest attempts within the window, at most 1,000 of them: index execution_merchant_newest, or the
# primary key for the platform's rules, walked from its end. A busy merchant's share is that of its last
# 1,000 attempts, so that the cost does not follow its traffic. Partitions before `floor` are pruned.
_COUNTED = """
    SELECT count(*) AS total, count(*) FILTER (WHERE bad) AS failed,
           min(finished_at) FILTER (WHERE bad) AS first_at,
           (array_agg(job_id ORDER BY id DESC) FILTER (WHERE bad))[1] AS job_id
      FROM (SELECT id, job_id, finished_at,
                   outcome IN ('failed', 'rejected', 'timed_out', 'lost') AS bad
              FROM jobs_execution
             WHERE {whose} id >= rule.floor
             ORDER BY id DESC
             LIMIT 1000) AS newest"""
_FIND = f"""
WITH {RULES}, counted AS (
    SELECT rule.id AS rule_id, rule.bound, rule.least, rule.merchant_id, seen.*
      FROM rule CROSS JOIN LATERAL ({_COUNTED.format(whose="merchant_id = rule.merchant_id AND")}) AS seen
     WHERE rule.merchant_id IS NOT NULL
    UNION ALL
    SELECT rule.id, rule.bound, rule.least, rule.merchant_id, seen.*
      FROM rule CROSS JOIN LATERAL ({_COUNTED.format(whose="")}) AS seen
     WHERE rule.merchant_id IS NULL
), subject AS (
    SELECT rule_id, 'attempts' AS subject_key, 'attempts of all jobs' AS subject,
           failed || ' of the last ' || total || ' attempts failed' AS detail,
           failed AS count, first_at, %(now)s::timestamptz AS last_at, job_id
      FROM counted
     WHERE failed > 0 AND total >= least AND failed * 100 >= bound * total
), {FOLDED}
"""  # noqa: S608 - constants only

FAILURE_RATE = RuleKind(
    name="failure_rate",
    title="Too many attempts fail",
    explains="The share of attempts that failed, of the newest 1,000 within the window.",
    find=_FIND,
    parameters=(
        Parameter(
            name="percent",
            column="bound",
            default=50,
            minimum=1,
            maximum=100,
            explains="How many of a hundred attempts have to fail.",
        ),
        Parameter(
            name="window",
            column="span",
            default=900,
            minimum=60,
            maximum=86_400,
            explains="Seconds back that are looked at.",
        ),
        Parameter(
            name="least",
            column="least",
            default=20,
            minimum=1,
            maximum=1_000,
            explains="With fewer attempts than this nothing is said.",
        ),
    ),
)
