"""The dead letters grow."""

from alerts.rules.kind import FOLDED, RULES, Parameter, RuleKind

# The newest dead letters within the window, no more of them than the bound: index
# dead_letter_merchant_newest, or the primary key for the platform's rules, walked from its end.
_COUNTED = """
    SELECT count(*) AS total, min(created_at) AS first_at,
           (array_agg(job_id ORDER BY id DESC))[1] AS job_id
      FROM (SELECT id, job_id, created_at
              FROM jobs_deadletter
             WHERE {whose} id >= rule.floor
             ORDER BY id DESC
             LIMIT rule.bound::bigint) AS newest"""
_FIND = f"""
WITH {RULES}, counted AS (
    SELECT rule.id AS rule_id, rule.bound, seen.*
      FROM rule CROSS JOIN LATERAL ({_COUNTED.format(whose="merchant_id = rule.merchant_id AND")}) AS seen
     WHERE rule.merchant_id IS NOT NULL
    UNION ALL
    SELECT rule.id, rule.bound, seen.*
      FROM rule CROSS JOIN LATERAL ({_COUNTED.format(whose="")}) AS seen
     WHERE rule.merchant_id IS NULL
), subject AS (
    SELECT rule_id, 'dead_letters' AS subject_key, 'dead letters' AS subject,
           total || ' or more within the window' AS detail, total AS count, first_at, %(now)s::timestamptz AS last_at, job_id
      FROM counted
     WHERE total >= bound
), {FOLDED}
"""  # noqa: S608 - constants only

DEAD_LETTERS_GROWING = RuleKind(
    name="dead_letters_growing",
    title="Dead letters grow",
    explains="So many jobs failed for good within the window.",
    find=_FIND,
    parameters=(
        Parameter(
            name="count",
            column="bound",
            default=100,
            minimum=1,
            maximum=10_000,
            explains="How many dead letters are too many.",
        ),
        Parameter(
            name="window",
            column="span",
            default=3_600,
            minimum=60,
            maximum=86_400,
            explains="Seconds back that are looked at.",
        ),
    ),
)
