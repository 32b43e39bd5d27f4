"""Who holds a unique key.

Keys are locked first, in the order (merchant, key), and jobs after them, in the order of their ids:
so neither two creations nor a creation and a restart deadlock. Whether a key is held is looked at by
a statement of its own after the lock: the snapshot of the one that waited for it is older than what
its predecessor wrote.
"""

# Final -> scheduled (a restart) writes the claim as well; every other change of a job's status only
# ever frees its key.
HOLDS = """CASE claim.scope
           WHEN 'waiting' THEN job.status IN ('blocked', 'scheduled', 'queued')
                               AND job.attempt = job.earlier_attempts
           WHEN 'period' THEN claim.until > %(now)s AND job.status <> 'cancelled'
           ELSE job.status NOT IN ('succeeded', 'failed', 'cancelled', 'skipped')
           END"""

# A key that is there already is locked, not changed (ON CONFLICT locks before it looks at WHERE), and
# does not come back.
TAKE = """
INSERT INTO jobs_uniqueclaim (merchant_id, key, job_id, scope, until, look_at)
SELECT merchant_id, key, job_id, scope, until, look_at
  FROM unnest(%(merchants)s::uuid[], %(keys)s::text[], %(ids)s::uuid[], %(scopes)s::text[],
              %(untils)s::timestamptz[], %(looks)s::timestamptz[])
    AS given(merchant_id, key, job_id, scope, until, look_at)
 ORDER BY merchant_id, key COLLATE "C"
ON CONFLICT (merchant_id, key) DO UPDATE SET key = excluded.key WHERE false
RETURNING merchant_id, key
"""

# So that none of them starts between the look and its replacement. With them what else the transaction
# is going to lock (its jobs' parents; a holder that stands for a job of the batch may become one):
# locked later, it could be out of order.
LOCK_HOLDERS = """
SELECT id
  FROM jobs_job
 WHERE merchant_id = ANY(%(merchants)s::uuid[])
   AND id IN (
       SELECT claim.job_id
         FROM unnest(%(merchants)s::uuid[], %(keys)s::text[]) AS given(merchant_id, key)
         JOIN jobs_uniqueclaim AS claim
           ON claim.merchant_id = given.merchant_id AND claim.key = given.key
        UNION ALL
       SELECT unnest(%(beside)s::uuid[]))
 ORDER BY id
   FOR UPDATE
"""

FIND_HOLDERS = f"""
SELECT claim.merchant_id, claim.key, job.id,
       job.status IN ('blocked', 'scheduled', 'queued', 'retryable')
  FROM unnest(%(merchants)s::uuid[], %(keys)s::text[]) AS given(merchant_id, key)
  JOIN jobs_uniqueclaim AS claim ON claim.merchant_id = given.merchant_id AND claim.key = given.key
  JOIN jobs_job AS job ON job.id = claim.job_id
 WHERE {HOLDS}
"""  # noqa: S608 - constants only

# Only of keys that this transaction has locked.
HAND_OVER = """
UPDATE jobs_uniqueclaim AS claim
   SET job_id = given.job_id, scope = given.scope, until = given.until, look_at = given.look_at
  FROM unnest(%(merchants)s::uuid[], %(keys)s::text[], %(ids)s::uuid[], %(scopes)s::text[],
              %(untils)s::timestamptz[], %(looks)s::timestamptz[])
    AS given(merchant_id, key, job_id, scope, until, look_at)
 WHERE claim.merchant_id = given.merchant_id AND claim.key = given.key
"""

REPLACE = """
WITH mine AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE id = ANY(%(ids)s) AND status IN ('blocked', 'scheduled', 'queued', 'retryable')
     ORDER BY id
       FOR UPDATE
)
UPDATE jobs_job AS job
   SET status = 'cancelled', finalized_at = statement_timestamp(), ticket = NULL,
       cancel_requested_at = coalesce(job.cancel_requested_at, statement_timestamp()),
       queue_lease_until = NULL, gate = '',
       skip_reason = 'Replaced by a newer job with the same unique key.'
  FROM mine
 WHERE job.id = mine.id
RETURNING job.id, job.merchant_id, job.kind, job.lane, job.status
"""

# A period limits creations only: a restart of such a job asks nobody.
FIND_KEYED = """
SELECT id, merchant_id, unique_key, unique_scope
  FROM jobs_job
 WHERE id = ANY(%(ids)s::uuid[]) AND unique_key <> '' AND unique_scope <> 'period'
 ORDER BY id
"""

# Index unique_claim_look_at. What is still held is looked at again in a day; a row that somebody has
# just taken has a later look_at, and is left alone although the snapshot knew it as free.
FORGET = f"""
WITH old AS MATERIALIZED (
    SELECT merchant_id, key
      FROM jobs_uniqueclaim
     WHERE look_at <= %(now)s
     ORDER BY look_at
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
), held AS MATERIALIZED (
    SELECT claim.merchant_id, claim.key
      FROM old
      JOIN jobs_uniqueclaim AS claim ON claim.merchant_id = old.merchant_id AND claim.key = old.key
      JOIN jobs_job AS job ON job.id = claim.job_id
     WHERE {HOLDS}
), kept AS (
    UPDATE jobs_uniqueclaim AS claim
       SET look_at = %(now)s + interval '1 day'
      FROM held
     WHERE claim.merchant_id = held.merchant_id AND claim.key = held.key
), forgotten AS (
    DELETE FROM jobs_uniqueclaim AS claim
     USING old
     WHERE claim.merchant_id = old.merchant_id AND claim.key = old.key
       AND NOT EXISTS (SELECT FROM held
                        WHERE held.merchant_id = old.merchant_id AND held.key = old.key)
    RETURNING 1
)
SELECT (SELECT count(*) FROM old), (SELECT count(*) FROM forgotten)
"""  # noqa: S608 - constants only
