"""New jobs, any number in one statement. Used by operations, and by the expander of templates."""

from collections.abc import Mapping

# One array a column: a thousand rows cost the client about as much as a few. (Django's bulk insert
# spent a second on a thousand.) An array cannot hold lists of different lengths, so tags come as
# JSON.
_CREATE = """
INSERT INTO jobs_job (
    id, merchant_id, kind, handler, lane, name, tags, metadata, payload, priority, max_attempts,
    backoff, timeout, run_at, scheduled_at, expires_at, attempt, earlier_attempts, lost_count,
    progress_note, created_at, status{columns})
SELECT id, merchant_id, kind, handler, lane, name,
       CASE WHEN tags = '[]' THEN '{{}}'::varchar[]
            ELSE ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)) END,
       metadata::jsonb, payload::jsonb, priority, max_attempts, backoff::jsonb, timeout,
       run_at, run_at, expires_at, 0, 0, 0, '', statement_timestamp(), {status}{columns}
  FROM unnest(%(id)s::uuid[], %(merchant_id)s::uuid[], %(kind)s::text[], %(handler)s::text[],
              %(lane)s::text[], %(name)s::text[], %(tags)s::text[], %(metadata)s::text[],
              %(payload)s::text[], %(priority)s::smallint[], %(max_attempts)s::smallint[],
              %(backoff)s::text[], %(timeout)s::float8[], %(run_at)s::timestamptz[],
              %(expires_at)s::timestamptz[]{arrays})
    AS given(id, merchant_id, kind, handler, lane, name, tags, metadata, payload, priority,
             max_attempts, backoff, timeout, run_at, expires_at{given})
RETURNING created_at
"""
_KEYS = {
    "unique_key": "text",
    "unique_scope": "text",
    "concurrency_key": "text",
    "concurrency_limit": "smallint",
    "gate": "text",
}
_FAMILY = {"condition": "text", "draws_on_parents": "boolean", "awaited": "boolean"}


def _create(columns: Mapping[str, str], *, status: str) -> str:
    """Return the statement that fills these columns, too; `status`: a literal, or the given one."""
    given = columns if status.startswith("'") else {**columns, status: "text"}
    return _CREATE.format(
        columns="".join(f", {name}" for name in columns),
        given="".join(f", {name}" for name in given),
        arrays="".join(f",\n              %({name})s::{kind}[]" for name, kind in given.items()),
        status=status,
    )


CREATE = _create({}, status="'scheduled'")
# Jobs without keys do not pay for their columns.
CREATE_KEYED = _create(_KEYS, status="'scheduled'")
# For jobs that depend on one another.
CREATE_GRAPH = _create({**_KEYS, **_FAMILY}, status="status")

# The rows come as one JSON text: ten thousand of them as arrays spent four seconds in the driver. In
# the order of the unique index: two expanders that insert the same occurrences wait for each other
# one way only. A job with an overlap policy begins behind a shut gate, else one with a concurrency key
# behind that of its key; who has none does not name it.
CREATE_OCCURRENCES = """
INSERT INTO jobs_job (
    id, merchant_id, template_id, occurrence_at, occurrence_note, origin, overlap, gate, missed_at,
    kind, handler, lane, name, tags, metadata, payload, priority, max_attempts, backoff, timeout,
    run_at, scheduled_at, expires_at, status, attempt, earlier_attempts, lost_count, progress_note,
    concurrency_key, concurrency_limit, created_at)
SELECT id, merchant_id, template_id, occurrence_at, left(occurrence_note, 200), origin, overlap,
       CASE WHEN overlap <> '' THEN 'shut' WHEN concurrency_key IS NULL THEN '' ELSE 'keyed' END,
       missed_at, kind, handler, lane, name, tags,
       metadata, payload, priority, max_attempts, backoff, timeout,
       run_at, run_at, expires_at, 'scheduled', 0, 0, 0, '',
       coalesce(concurrency_key, ''), coalesce(concurrency_limit, 1), statement_timestamp()
  FROM json_to_recordset(%(occurrences)s::json)
    AS given(id uuid, merchant_id uuid, template_id uuid, occurrence_at timestamptz,
             occurrence_note text, origin text, overlap text, missed_at timestamptz, kind text,
             handler text, lane text, name text, tags varchar[], metadata jsonb, payload jsonb,
             priority smallint, max_attempts smallint, backoff jsonb, timeout float8,
             run_at timestamptz, expires_at timestamptz, concurrency_key text,
             concurrency_limit smallint)
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
KEYED = (*PLAIN, *_KEYS)
AS_JSON = ("tags", "metadata", "payload", "backoff")
GRAPH = (*KEYED, *_FAMILY, "status")
