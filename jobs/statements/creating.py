"""New jobs, any number in one statement. Used by operations, and by the expander of templates."""

# One array a column: a thousand rows cost the client about as much as a few. (Django's bulk insert
# spent a second on a thousand.) An array cannot hold lists of different lengths, so tags come as
# JSON.
_CREATE = """
INSERT INTO jobs_job (
    id, merchant_id, kind, handler, lane, name, tags, metadata, payload, priority, max_attempts,
    backoff, timeout, run_at, scheduled_at, expires_at, status, attempt, earlier_attempts,
    lost_count, progress_note, created_at{columns})
SELECT id, merchant_id, kind, handler, lane, name,
       CASE WHEN tags = '[]' THEN '{{}}'::varchar[]
            ELSE ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)) END,
       metadata::jsonb, payload::jsonb, priority, max_attempts, backoff::jsonb, timeout,
       run_at, run_at, expires_at, 'scheduled', 0, 0, 0, '', statement_timestamp(){columns}
  FROM unnest(%(id)s::uuid[], %(merchant_id)s::uuid[], %(kind)s::text[], %(handler)s::text[],
              %(lane)s::text[], %(name)s::text[], %(tags)s::text[], %(metadata)s::text[],
              %(payload)s::text[], %(priority)s::smallint[], %(max_attempts)s::smallint[],
              %(backoff)s::text[], %(timeout)s::float8[], %(run_at)s::timestamptz[],
              %(expires_at)s::timestamptz[]{arrays})
    AS given(id, merchant_id, kind, handler, lane, name, tags, metadata, payload, priority,
             max_attempts, backoff, timeout, run_at, expires_at{columns})
RETURNING created_at
"""
CREATE = _CREATE.format(columns="", arrays="")
# Jobs without a unique key do not pay for its columns.
CREATE_KEYED = _CREATE.format(
    columns=", unique_key, unique_scope",
    arrays=", %(unique_key)s::text[], %(unique_scope)s::text[]",
)

# The same for jobs that depend on one another, with what only they have.
CREATE_GRAPH = """
INSERT INTO jobs_job (
    id, merchant_id, kind, handler, lane, name, tags, metadata, payload, priority, max_attempts,
    backoff, timeout, run_at, scheduled_at, expires_at, status, condition, draws_on_parents,
    awaited, unique_key, unique_scope, attempt, earlier_attempts, lost_count, progress_note,
    created_at)
SELECT id, merchant_id, kind, handler, lane, name,
       CASE WHEN tags = '[]' THEN '{}'::varchar[]
            ELSE ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)) END,
       metadata::jsonb, payload::jsonb, priority, max_attempts, backoff::jsonb, timeout,
       run_at, run_at, expires_at, status, condition, draws_on_parents, awaited, unique_key,
       unique_scope, 0, 0, 0, '', statement_timestamp()
  FROM unnest(%(id)s::uuid[], %(merchant_id)s::uuid[], %(kind)s::text[], %(handler)s::text[],
              %(lane)s::text[], %(name)s::text[], %(tags)s::text[], %(metadata)s::text[],
              %(payload)s::text[], %(priority)s::smallint[], %(max_attempts)s::smallint[],
              %(backoff)s::text[], %(timeout)s::float8[], %(run_at)s::timestamptz[],
              %(expires_at)s::timestamptz[], %(status)s::text[], %(condition)s::text[],
              %(draws_on_parents)s::boolean[], %(awaited)s::boolean[], %(unique_key)s::text[],
              %(unique_scope)s::text[])
    AS given(id, merchant_id, kind, handler, lane, name, tags, metadata, payload, priority,
             max_attempts, backoff, timeout, run_at, expires_at, status, condition,
             draws_on_parents, awaited, unique_key, unique_scope)
RETURNING created_at
"""

# The rows come as one JSON text: ten thousand of them as arrays spent four seconds in the driver. In
# the order of the unique index: two expanders that insert the same occurrences wait for each other
# one way only. A job with an overlap policy begins behind a shut gate.
CREATE_OCCURRENCES = """
INSERT INTO jobs_job (
    id, merchant_id, template_id, occurrence_at, occurrence_note, origin, overlap, gate, missed_at,
    kind, handler, lane, name, tags, metadata, payload, priority, max_attempts, backoff, timeout,
    run_at, scheduled_at, expires_at, status, attempt, earlier_attempts, lost_count, progress_note,
    created_at)
SELECT id, merchant_id, template_id, occurrence_at, left(occurrence_note, 200), origin, overlap,
       CASE WHEN overlap = '' THEN '' ELSE 'shut' END, missed_at, kind, handler, lane, name, tags,
       metadata, payload, priority, max_attempts, backoff, timeout,
       run_at, run_at, expires_at, 'scheduled', 0, 0, 0, '', statement_timestamp()
  FROM json_to_recordset(%(occurrences)s::json)
    AS given(id uuid, merchant_id uuid, template_id uuid, occurrence_at timestamptz,
             occurrence_note text, origin text, overlap text, missed_at timestamptz, kind text,
             handler text, lane text, name text, tags varchar[], metadata jsonb, payload jsonb,
             priority smallint, max_attempts smallint, backoff jsonb, timeout float8,
             run_at timestamptz, expires_at timestamptz)
 ORDER BY template_id, occurrence_at
ON CONFLICT (template_id, occurrence_at) WHERE template_id IS NOT NULL DO NOTHING
RETURNING id, merchant_id, kind, lane, status
"""

PLAIN = (
    "id",
    "merchant_id",
    "kind",
    "handler",
    "lane",
    "name",
    "priority",
    "max_attempts",
    "timeout",
    "run_at",
    "expires_at",
)
KEYED = (*PLAIN, "unique_key", "unique_scope")
AS_JSON = ("tags", "metadata", "payload", "backoff")
GRAPH = (*KEYED, "status", "condition", "draws_on_parents", "awaited")
