"""An API key is about to expire."""

from alerts.rules.kind import FOLDED, RULES, Parameter, RuleKind

# Index alerts_key_expiring: keys that expire at all, by when; a range of it. One that expired stays in
# trouble for a week, or its incident would be told as over at the worst moment.
_FIND = f"""
WITH {RULES}, subject AS (
    SELECT rule.id AS rule_id, 'key:' || key.id AS subject_key, 'API key ' || key.name AS subject,
           'It holds until ' || to_char(key.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
           || ' UTC.' AS detail,
           1::bigint AS count, %(now)s::timestamptz AS first_at, %(now)s::timestamptz AS last_at,
           NULL::uuid AS job_id
      FROM rule
      JOIN apikeys_apikey AS key
        ON (rule.merchant_id IS NULL OR rule.merchant_id = key.merchant_id)
       AND key.expires_at <= %(now)s::timestamptz + make_interval(days => rule.bound::int)
     WHERE key.revoked_at IS NULL AND key.expires_at IS NOT NULL
       AND key.expires_at > (SELECT %(now)s::timestamptz - interval '7 days')
       AND NOT EXISTS (SELECT 1 FROM apikeys_apikey AS newer WHERE newer.replaces_id = key.id)
), {FOLDED}
"""  # noqa: S608 - constants only

KEY_EXPIRING = RuleKind(
    name="key_expiring",
    title="API key expires",
    explains="An API key that nobody has replaced expires soon, or has expired in the last week.",
    find=_FIND,
    parameters=(
        Parameter(
            name="days",
            column="bound",
            default=14,
            minimum=1,
            maximum=365,
            explains="Days ahead.",
        ),
    ),
)
