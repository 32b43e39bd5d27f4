"""An API key is about to expire."""

from alerts.rules.kind import FOLDED, RULES, WATCHED, Parameter, RuleKind

# Index alerts_key_expiring: keys that expire at all, by when; a range of it. One that expired stays in
# trouble for a week, or its incident would be told as over at the worst moment.
_FIND = f"""
WITH {RULES}, fact AS MATERIALIZED (
    SELECT key.id, key.merchant_id, NULL::uuid AS template_id, key.name, key.expires_at
      FROM apikeys_apikey AS key
     WHERE key.revoked_at IS NULL AND key.expires_at IS NOT NULL
       AND key.expires_at <= (SELECT %(now)s::timestamptz + make_interval(days => max(bound)::int) FROM rule)
       AND key.expires_at > (SELECT %(now)s::timestamptz - interval '7 days')
       AND NOT EXISTS (SELECT 1 FROM apikeys_apikey AS newer WHERE newer.replaces_id = key.id)
), {WATCHED}, subject AS (
    SELECT key.rule_id, 'key:' || key.id AS subject_key, 'API key ' || key.name AS subject,
           'It holds until ' || to_char(key.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
           || ' UTC.' AS detail,
           1::bigint AS count, %(now)s::timestamptz AS first_at, %(now)s::timestamptz AS last_at,
           NULL::uuid AS job_id
      FROM watched AS key
     WHERE key.expires_at <= %(now)s::timestamptz + make_interval(days => key.bound::int)
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
