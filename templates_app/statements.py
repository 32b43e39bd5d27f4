"""The SQL of expansion, named. A batch costs the same number of statements whatever its size."""

# What due.due_template reads, in its order.
OF_TEMPLATE = """
template.id, template.merchant_id, merchant.slug, merchant.name, merchant.active, template.name,
template.kind, template.payload, template.priority, template.max_attempts, template.backoff,
template.timeout, template.tags, template.metadata, template.recurrence, template.avoid,
template.keep_to, template.on_closed, template.misfire, template.misfire_grace,
template.misfire_window, template.misfire_limit, template.overlap, template.paused_at,
template.resume_at, template.expanded_to, template.replan, template.expansion_failures,
template.active, template.next_expansion_at IS NOT NULL, template.moved, template.created_at,
template.concurrency_key, template.concurrency_limit
"""

_SELECT = f"""
SELECT {OF_TEMPLATE}
  FROM templates_app_template AS template
  JOIN tenants_merchant AS merchant ON merchant.id = template.merchant_id
"""  # noqa: S608 - constants

# Index template_due: cost follows what is due, never how many templates there are. Expanders pass
# over what another one holds, so any number shares the work. The moment hides in a sub-select: a
# planner that sees it, with statistics of before, sorts all that is due, for every batch, through a
# bitmap that meets the dead entries of all batches before. NO KEY: a row for a skipped occurrence,
# which the populator writes while it holds jobs, does not wait for this lock; else each could wait
# for the other.
CLAIM_DUE = (
    _SELECT
    + """
 WHERE template.next_expansion_at <= (SELECT %(now)s::timestamptz)
 ORDER BY template.next_expansion_at
 LIMIT %(limit)s
   FOR NO KEY UPDATE OF template SKIP LOCKED
"""
)

# The same of named templates, for an edit's own transaction: waits for an expander that holds one.
CLAIM_THESE = (
    _SELECT
    + """
 WHERE template.id = ANY(%(ids)s)
   AND template.next_expansion_at IS NOT NULL
 ORDER BY template.id
   FOR NO KEY UPDATE OF template
"""
)

# The same in whatever state: one that no longer expands has a plan to take away.
LOCK_THESE = (
    _SELECT
    + """
 WHERE template.id = ANY(%(ids)s)
 ORDER BY template.id
   FOR NO KEY UPDATE OF template
"""
)

# Of templates with late jobs, in whatever state: who holds one decides on its late jobs alone.
CLAIM_LATE = (
    _SELECT
    + """
 WHERE template.id = ANY(%(ids)s)
 ORDER BY template.id
   FOR NO KEY UPDATE OF template SKIP LOCKED
"""
)

READ_THESE = (
    _SELECT
    + """
 WHERE template.id = ANY(%(ids)s)
"""
)

# A resumed template is no longer paused; an expanded one has no failures left. One JSON text: the
# driver takes several times as long to write three arrays.
ADVANCE = """
UPDATE templates_app_template AS template
   SET expanded_to = coalesce(given.expanded_to, template.expanded_to),
       next_expansion_at = given.next_expansion_at,
       moved = coalesce(given.moved, template.moved),
       expanded_with = %(versions)s,
       replan = false,
       expansion_failures = 0,
       set_aside_reason = '',
       paused_at = NULL, paused_by = '', pause_note = '', resume_at = NULL
  FROM json_to_recordset(%(stands)s::json)
       AS given(id uuid, expanded_to timestamptz, next_expansion_at timestamptz, moved jsonb)
 WHERE template.id = given.id
"""

# Nothing was planned: the template is still paused, until a known moment, or its merchant is not
# active.
POSTPONE = """
UPDATE templates_app_template
   SET next_expansion_at = CASE WHEN resume_at > %(now)s::timestamptz THEN resume_at
                                ELSE %(until)s::timestamptz END
 WHERE id = ANY(%(ids)s)
"""

RECORD_FAILURES = """
UPDATE templates_app_template AS template
   SET expansion_failures = least(expansion_failures + 1, 1000),
       set_aside_at = CASE WHEN expansion_failures + 1 >= %(tries)s THEN %(now)s::timestamptz END,
       set_aside_reason = left(given.reason, 500),
       next_expansion_at = CASE WHEN expansion_failures + 1 >= %(tries)s THEN NULL
                                ELSE %(again)s::timestamptz END
  FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS given(id, reason)
 WHERE template.id = given.id AND next_expansion_at IS NOT NULL
RETURNING template.id, set_aside_at IS NOT NULL, template.merchant_id
"""

RECORD_SKIPPED = """
INSERT INTO templates_app_skippedoccurrence (
    id, merchant_id, template_id, cause, reason, first_at, last_at, occurrences, created_at,
    resolved_by, resolution)
SELECT uuidv7(), given.merchant_id, given.template_id, given.cause, left(given.reason, 500),
       given.first_at, given.last_at, given.occurrences, statement_timestamp(), '', ''
  FROM unnest(%(merchants)s::uuid[], %(templates)s::uuid[], %(causes)s::text[],
              %(reasons)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[],
              %(counts)s::integer[])
       AS given(merchant_id, template_id, cause, reason, first_at, last_at, occurrences)
 WHERE EXISTS (SELECT FROM templates_app_template AS template
                WHERE template.id = given.template_id)
"""

# Index skipped_planned; its causes are the model's PLANNED. What an old plan said of the time ahead
# goes, the new one says it anew. Rows that reach over now are returned: they are to be cut.
REPLACE_PLANNED_SKIPS = """
WITH planned AS MATERIALIZED (
    SELECT id, template_id, first_at, last_at, occurrences
      FROM templates_app_skippedoccurrence
     WHERE template_id = ANY(%(ids)s)
       AND last_at > %(now)s
       AND cause IN ('closed', 'window', 'clock_change', 'merged')
     ORDER BY id
       FOR UPDATE
),
gone AS (
    DELETE FROM templates_app_skippedoccurrence AS skipped
     USING planned
     WHERE skipped.id = planned.id AND planned.first_at > %(now)s
)
SELECT id, template_id, first_at, last_at, occurrences FROM planned WHERE first_at <= %(now)s
"""

CUT_SKIPS = """
UPDATE templates_app_skippedoccurrence AS skipped
   SET last_at = given.last_at, occurrences = given.occurrences
  FROM unnest(%(ids)s::uuid[], %(lasts)s::timestamptz[], %(counts)s::integer[])
       AS given(id, last_at, occurrences)
 WHERE skipped.id = given.id
"""

# After a new tzdata or holidays: primary key, a page at a time.
FIND_EXPANDED_WITH_OTHERS = """
SELECT id, active AND expanded_with <> %(versions)s AND next_expansion_at IS NOT NULL
  FROM templates_app_template
 WHERE id > %(after)s
 ORDER BY id
 LIMIT %(limit)s
"""

# In the order of ids, as every mark.
REPLAN = """
WITH outdated AS MATERIALIZED (
    SELECT id
      FROM templates_app_template
     WHERE id = ANY(%(ids)s) AND next_expansion_at IS NOT NULL AND paused_at IS NULL
     ORDER BY id
       FOR NO KEY UPDATE
)
UPDATE templates_app_template AS template
   SET replan = true, next_expansion_at = %(now)s
  FROM outdated
 WHERE template.id = outdated.id
"""

# Three arms, an index each: the platform's and the merchants' (window_merchant_newest), the
# templates' (their foreign key's). What ended long ago holds nothing back any more.
WINDOWS_IN_FORCE = """
SELECT id, merchant_id, template_id, name, mode, starts_at, ends_at, recurrence, duration,
       release_over
  FROM templates_app_maintenancewindow
 WHERE (ends_at IS NULL OR ends_at > %(since)s)
   AND ((merchant_id IS NULL AND template_id IS NULL)
        OR (merchant_id = ANY(%(merchants)s) AND template_id IS NULL)
        OR template_id = ANY(%(templates)s))
 ORDER BY id
"""

# Index job_template_unfinished. It names the gates that are not held, so that the index knows what is
# due: to find that nothing is reads no job.
FIND_DUE_JOBS = """
SELECT id, template_id, occurrence_at, scheduled_at, run_at, missed_at, status, attempt, gate,
       in_line, holds_place
  FROM jobs_job
 WHERE template_id = ANY(%(templates)s)
   AND gate IN ('', 'shut', 'keyed')
   AND NOT in_line
   AND scheduled_at <= %(now)s
   AND status IN ('scheduled', 'queued', 'running', 'retryable')
   AND origin = 'template'
   AND occurrence_at IS NOT NULL
 ORDER BY scheduled_at, id
"""

# The same index. All that is planned, for templates that are planned afresh.
FIND_PLANNED_JOBS = """
SELECT id, template_id, occurrence_at, scheduled_at, run_at, missed_at, status, attempt, gate,
       in_line, holds_place
  FROM jobs_job
 WHERE template_id = ANY(%(templates)s)
   AND status IN ('scheduled', 'queued', 'running', 'retryable')
   AND origin = 'template'
   AND occurrence_at IS NOT NULL
 ORDER BY scheduled_at, id
"""
