"""The SQL that has templates planned again, because a calendar or a window of theirs changed.

Each statement locks what it marks in the order of ids, and answers how many there are and the first
few. It runs under the lock of `surroundings_lock`: what it does not find was not planned yet, and will
be planned with the surroundings of after the change.

FOR NO KEY UPDATE, as in `statements`: the populator, which holds jobs that the change withdraws next,
may be about to write a row that refers to the template.
"""

# Soonest first, a thousand a second: a calendar of a million templates must not push in front of
# what is due meanwhile (the expander goes by next_expansion_at).
_MARK = """
ranked AS (
    SELECT wanted.id,
           row_number() OVER (ORDER BY wanted.next_expansion_at, wanted.id) - 1 AS place
      FROM wanted
),
marked AS (
    UPDATE templates_app_template AS template
       SET replan = true,
           next_expansion_at = least(
               template.next_expansion_at,
               %(now)s::timestamptz + interval '1 second' * (ranked.place / 1000))
      FROM ranked
     WHERE template.id = ranked.id
    RETURNING template.id
)
SELECT (SELECT count(*) FROM marked), ARRAY(SELECT id FROM marked LIMIT %(most)s)
"""
_EXPANDING = "template.next_expansion_at IS NOT NULL AND template.paused_at IS NULL"

# What includes the calendar counts as changed with it: index calendar_includes. Its users: indexes
# template_avoids and template_keeps_to; both are partial, and only these very conditions let the
# planner take them. Cost follows the templates that use it.
MARK_USERS_OF_CALENDAR = f"""
WITH RECURSIVE changed(id) AS (
    SELECT %(calendar)s::uuid
     UNION
    SELECT calendar.id
      FROM changed
      JOIN templates_app_calendar AS calendar
        ON calendar.includes @> ARRAY[changed.id] AND NOT (calendar.includes = '{{}}'::uuid[])
),
wanted AS MATERIALIZED (
    SELECT template.id, template.next_expansion_at
      FROM templates_app_template AS template
     WHERE ((template.avoid && ARRAY(SELECT id FROM changed)
             AND NOT (template.avoid = '{{}}'::uuid[]))
         OR (template.keep_to && ARRAY(SELECT id FROM changed)
             AND NOT (template.keep_to = '{{}}'::uuid[])))
       AND {_EXPANDING}
     ORDER BY template.id
       FOR NO KEY UPDATE OF template
),
{_MARK}"""  # noqa: S608 - constants only

MARK_THESE = f"""
WITH wanted AS MATERIALIZED (
    SELECT template.id, template.next_expansion_at
      FROM templates_app_template AS template
     WHERE template.id = ANY(%(ids)s) AND {_EXPANDING}
     ORDER BY template.id
       FOR NO KEY UPDATE OF template
),
{_MARK}"""  # noqa: S608 - constants only

# A planned job is concerned when a span touches the time from its occurrence to its run, which are
# apart when it is held back already; so is an occurrence that an earlier plan skipped for a window,
# wherever it lies when calendars may have moved it there (its row tells the moment that is named).
# A template that has neither is planned later, with the windows of then. `ids` are those of templates
# whose own window it is or was: one statement for all, so that one order of ids holds for all.
_AROUND = f"""
WITH planned AS (
    SELECT job.template_id AS id
      FROM jobs_job AS job
     WHERE {{job_owner}}
       AND job.status = 'scheduled'
       AND job.attempt = 0
       AND job.template_id IS NOT NULL
       AND job.origin = 'template'
       AND job.occurrence_at IS NOT NULL
       AND tstzrange(least(job.occurrence_at, job.scheduled_at), job.scheduled_at, '[]')
           && %(spans)s::tstzmultirange
     UNION
    SELECT skipped.template_id
      FROM templates_app_skippedoccurrence AS skipped
      JOIN templates_app_template AS template ON template.id = skipped.template_id
     WHERE {{skipped_owner}}
       AND skipped.id >= %(since)s::uuid
       AND skipped.cause = 'window'
       AND skipped.last_at > %(now)s
       AND (tstzrange(skipped.first_at, skipped.last_at, '[]') && %(spans)s::tstzmultirange
            OR template.on_closed <> 'skip')
     UNION
    SELECT unnest(%(ids)s::uuid[])
),
wanted AS MATERIALIZED (
    SELECT template.id, template.next_expansion_at
      FROM planned
      JOIN templates_app_template AS template ON template.id = planned.id
     WHERE {_EXPANDING}
     ORDER BY template.id
       FOR NO KEY UPDATE OF template
),
{_MARK}"""  # noqa: S608 - constants only

# Indexes job_unfinished and skipped_merchant_newest: cost follows what the merchant has waiting.
MARK_MERCHANT_AROUND = _AROUND.format(
    job_owner="job.merchant_id = %(merchant)s", skipped_owner="skipped.merchant_id = %(merchant)s"
)
# For a window of the platform, which operators write by hand: one pass over the waiting jobs of
# templates (index job_template_unfinished; finished history is not in it), one over what was
# skipped since the window exists (primary key, whose ids are in the order of creation).
MARK_EVERYBODY_AROUND = _AROUND.format(job_owner="true", skipped_owner="true")
