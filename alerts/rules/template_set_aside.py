"""A template was set aside."""

from alerts.rules.kind import FOLDED, RULES, WATCHED, RuleKind

# Index alerts_template_set_aside holds nothing else.
_FIND = f"""
WITH {RULES}, fact AS MATERIALIZED (
    SELECT id AS template_id, merchant_id, name, set_aside_reason, set_aside_at
      FROM templates_app_template
     WHERE set_aside_at IS NOT NULL
), {WATCHED}, subject AS (
    SELECT template.rule_id, 'template:' || template.template_id AS subject_key, template.name AS subject,
           left(template.set_aside_reason, 400) AS detail,
           1::bigint AS count, template.set_aside_at AS first_at, %(now)s::timestamptz AS last_at,
           NULL::uuid AS job_id
      FROM watched AS template
), {FOLDED}
"""  # noqa: S608 - constants only

TEMPLATE_SET_ASIDE = RuleKind(
    name="template_set_aside",
    title="Template set aside",
    explains="A template could not be planned three times and makes no jobs any more.",
    find=_FIND,
    takes_template=True,
)
