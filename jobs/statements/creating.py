"""New jobs, any number in one statement. Used by operations; later by the expander."""

# One array a column: a thousand rows cost the client about as much as a few. (Django's bulk insert
# spent a second on a thousand.) An array cannot hold lists of different lengths, so tags come as
# JSON.
CREATE = """
INSERT INTO jobs_job (
    id, merchant_id, template_id, occurrence_at, kind, handler, lane, name, tags, metadata, payload,
    priority, max_attempts, backoff, timeout, run_at, scheduled_at, expires_at, status, attempt,
    earlier_attempts, lost_count, progress_note, created_at)
SELECT id, merchant_id, template_id, occurrence_at, kind, handler, lane, name,
       CASE WHEN tags = '[]' THEN '{}'::varchar[]
            ELSE ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)) END,
       metadata::jsonb, payload::jsonb, priority, max_attempts, backoff::jsonb, timeout,
       run_at, run_at, expires_at, 'scheduled', 0, 0, 0, '', statement_timestamp()
  FROM unnest(%(id)s::uuid[], %(merchant_id)s::uuid[], %(template_id)s::uuid[],
              %(occurrence_at)s::timestamptz[], %(kind)s::text[], %(handler)s::text[],
              %(lane)s::text[], %(name)s::text[], %(tags)s::text[], %(metadata)s::text[],
              %(payload)s::text[], %(priority)s::smallint[], %(max_attempts)s::smallint[],
              %(backoff)s::text[], %(timeout)s::float8[], %(run_at)s::timestamptz[],
              %(expires_at)s::timestamptz[])
    AS given(id, merchant_id, template_id, occurrence_at, kind, handler, lane, name, tags, metadata,
             payload, priority, max_attempts, backoff, timeout, run_at, expires_at)
RETURNING created_at
"""

PLAIN = (
    "id",
    "merchant_id",
    "template_id",
    "occurrence_at",
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
AS_JSON = ("tags", "metadata", "payload", "backoff")
