"""A template was set aside."""

from alerts.rules.kind import FOLDED, RULES, RuleKind

# Index alerts_template_set_aside holds nothing else.
_FIND = f"""
WITH {RULES}, subject AS (
    SELECT rule.id AS rule_id, 'template:' || template.id AS subject_key, template.name AS subject,
           left(template.set_aside_reason, 400) AS detail,
           1::bigint AS count, template.set_aside_at AS first_at, %(now)s::timestamptz AS last_at,
           NULL::uuid AS job_id
      FROM rule
      JOIN templates_app_template AS template
        ON (rule.merchant_id IS NULL OR rule.merchant_id = template.merchant_id)
       AND (rule.template_id IS NULL OR rule.template_id = template.id)
     WHERE template.set_aside_at IS NOT NULL
), {FOLDED}
"""  # noqa: S608 - constants only

TEMPLATE_SET_ASIDE = RuleKind(
    name="template_set_aside",
    title="Template set aside",
    explains="A template could not be planned three times and makes no jobs any more.",
    find=_FIND,
    takes_template=True,
)
