"""Incidents: opened once, counted, over."""

# Unique index incident_one_open_per_subject: of two evaluators one inserts and the other one counts. An
# event adds to the count; what stands says how many there are now. `steps` of the rule's policy say when
# the first notice is due; without a policy nobody is told.
RECORD = """
WITH given AS MATERIALIZED (
    SELECT *
      FROM json_to_recordset(%(found)s::json)
        AS found(id uuid, rule_id uuid, subject_key text, subject text, detail text, times bigint,
                 first_at timestamptz, last_at timestamptz, job_id uuid, adds boolean)
)
INSERT INTO alerts_incident AS incident (
    id, merchant_id, rule_id, severity, subject_key, subject, detail, state, count, first_seen,
    last_seen, example_job_id, escalates_from, steps_done, next_notice_at, told, acknowledged_by, resolved_by, note,
    created_at)
SELECT given.id, rule.merchant_id, rule.id, rule.severity, given.subject_key, given.subject,
       given.detail, 'open', given.times, given.first_at, given.last_at, given.job_id, %(now)s, 0,
       %(now)s::timestamptz + make_interval(mins => (policy.steps -> 0 ->> 'after')::int), '{}', '', '',
       '', %(now)s
  FROM given
  JOIN alerts_rule AS rule ON rule.id = given.rule_id
  LEFT JOIN alerts_escalationpolicy AS policy ON policy.id = rule.policy_id
 ORDER BY given.rule_id, given.subject_key
ON CONFLICT (rule_id, subject_key) WHERE NOT state = 'resolved' DO UPDATE
   SET count = CASE WHEN (SELECT g.adds FROM given AS g WHERE g.id = excluded.id)
                    THEN incident.count + excluded.count ELSE excluded.count END,
       last_seen = greatest(incident.last_seen, excluded.last_seen),
       detail = excluded.detail,
       example_job_id = coalesce(excluded.example_job_id, incident.example_job_id)
RETURNING incident.id, incident.merchant_id, incident.rule_id, incident.severity,
          incident.subject_key, incident.subject, incident.detail, incident.count,
          incident.first_seen, incident.last_seen, incident.example_job_id, old.id IS NULL AS opened
"""

# What stood and stands no more: of the rules that were looked at whole in this tick, the open incidents
# that were not seen, for a minute now: what comes and goes is one incident. Reads the open ones of these
# rules, by the unique index.
NOT_SEEN = """
SELECT incident.id
  FROM alerts_incident AS incident
 WHERE incident.rule_id = ANY(%(rules)s::uuid[])
   AND incident.state <> 'resolved'
   AND incident.id <> ALL(%(seen)s::uuid[])
   AND incident.last_seen <= %(now)s::timestamptz - make_interval(secs => %(calm)s)
"""

# Guarded: what a person resolved meanwhile stays theirs. One that came back soon after it had been over by
# itself has to be gone for longer; what was before it is found by the primary key (UUIDv7), of the last day.
RECOVER = """
UPDATE alerts_incident AS incident
   SET state = 'resolved', resolved_at = %(now)s, next_notice_at = NULL, snoozed_until = NULL
 WHERE id = ANY(%(ids)s::uuid[]) AND state <> 'resolved'
   AND (incident.last_seen <= %(steady)s
        OR NOT EXISTS (
           SELECT 1
             FROM alerts_incident AS earlier
            WHERE earlier.id >= %(lately)s::uuid
              AND earlier.rule_id = incident.rule_id
              AND earlier.subject_key = incident.subject_key
              AND earlier.state = 'resolved' AND earlier.resolved_by = ''
              AND earlier.resolved_at >= incident.created_at - %(since)s::interval))
RETURNING id
"""

# A rule got another policy: its open incidents begin that one. `after`: the minutes of its first step, NULL when
# nobody is told any more. Index incident_one_open_per_subject.
BEGIN_POLICY = """
UPDATE alerts_incident AS incident
   SET steps_done = 0, escalates_from = %(now)s,
       next_notice_at = CASE WHEN state = 'open'
                             THEN %(now)s::timestamptz + make_interval(mins => %(after)s::int)
                             ELSE next_notice_at END
 WHERE rule_id = %(rule)s::uuid AND state <> 'resolved'
"""

# A policy was edited: open incidents go on from the step where they are, at that step's time. Those that
# are through wait for their reminder, if there is one.
FOLLOW_POLICY = """
UPDATE alerts_incident AS incident
   SET next_notice_at =
       CASE WHEN incident.steps_done < jsonb_array_length(policy.steps)
            THEN greatest(statement_timestamp(),
                          incident.escalates_from + make_interval(
                              mins => (policy.steps -> incident.steps_done::int ->> 'after')::int))
            WHEN policy.repeat_after IS NULL THEN NULL
            ELSE coalesce(incident.next_notice_at,
                          statement_timestamp() + make_interval(mins => policy.repeat_after)) END
  FROM alerts_rule AS rule
  JOIN alerts_escalationpolicy AS policy ON policy.id = rule.policy_id
 WHERE policy.id = %(policy)s::uuid AND incident.rule_id = rule.id AND incident.state = 'open'
"""

# Index incident_notice_due: whom somebody is to be told of now. Locked: a person who acknowledges in this
# moment waits, or is passed over until the next tick.
DUE = """
SELECT incident.id
  FROM alerts_incident AS incident
 WHERE incident.next_notice_at <= %(now)s AND incident.state IN ('open', 'snoozed')
 ORDER BY incident.next_notice_at, incident.id
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""

# What the tick decided of each incident that was due. One whose snooze is over is open again.
NOTICED = """
UPDATE alerts_incident AS incident
   SET steps_done = given.steps_done, next_notice_at = given.next_notice_at, told = given.told,
       escalates_from = given.escalates_from,
       state = 'open', snoozed_until = NULL
  FROM json_to_recordset(%(decided)s::json)
    AS given(id uuid, steps_done int, next_notice_at timestamptz, told uuid[],
             escalates_from timestamptz)
 WHERE incident.id = given.id AND incident.state IN ('open', 'snoozed')
"""

# What is long over, at most `limit` rows by the primary key: ids are UUIDv7. Deliveries name incidents
# without a foreign key, and go at the same age.
FORGET_INCIDENTS = """
DELETE FROM alerts_incident
 WHERE id IN (SELECT id FROM alerts_incident
               WHERE id < %(before)s::uuid AND state = 'resolved'
               ORDER BY id LIMIT %(limit)s)
"""
FORGET_DELIVERIES = """
DELETE FROM alerts_delivery
 WHERE id IN (SELECT id FROM alerts_delivery
               WHERE id < %(before)s::uuid AND state <> 'pending'
               ORDER BY id LIMIT %(limit)s)
"""
