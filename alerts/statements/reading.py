"""How far new rows may be read without missing one that is not committed yet."""

# One tick at a time: the others find nothing to do and go home.
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('taskflow.alerts.evaluate', 0))"
# Who changes many incidents at once (a rule is switched off or deleted) waits for the tick that is at work, and
# no tick works meanwhile: row locks taken in two orders would end one of them.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('taskflow.alerts.evaluate', 0))"

# Ids are UUIDv7 of PostgreSQL's clock, made inside the transactions that commit them: nothing older than
# the oldest transaction that writes at this moment can appear any more. A cursor that simply took the
# highest id would pass by rows that were written earlier and committed later. To be read before the rows,
# in a statement of its own: what begins to write after it has higher ids. A transaction that is open for
# more than a minute is not waited for.
HORIZON = """
SELECT coalesce(
       (SELECT uuidv7(greatest(min(xact_start), clock_timestamp() - interval '60 seconds')
                      - clock_timestamp() - interval '2 milliseconds')
          FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND backend_xid IS NOT NULL
        HAVING count(*) > 0),
       uuidv7())
"""

CURSOR = "SELECT position FROM alerts_cursor WHERE stream = %(stream)s"

# The last of the dead letters that one tick reads, when there are more of them: by the primary key.
LETTERS_FULL = """
SELECT id
  FROM jobs_deadletter
 WHERE id > %(after)s::uuid AND id <= %(upto)s::uuid
 ORDER BY id
OFFSET %(last)s
 LIMIT 1
"""

MOVE_CURSOR = """
INSERT INTO alerts_cursor (stream, position) VALUES (%(stream)s, %(position)s)
ON CONFLICT (stream) DO UPDATE SET position = excluded.position
 WHERE alerts_cursor.position < excluded.position
"""

# Index rule_enabled. Rules of merchants that are not active are quiet.
ENABLED_RULES = """
SELECT rule.id, rule.merchant_id, rule.kind, rule.template_id, rule.parameters::text
  FROM alerts_rule AS rule
  LEFT JOIN tenants_merchant AS merchant ON merchant.id = rule.merchant_id
 WHERE rule.enabled AND (rule.merchant_id IS NULL OR merchant.active)
 ORDER BY rule.kind, rule.id
"""
