"""Places of concurrency keys: who holds one, who is next. Used by grant_places.

A job with a key waits behind the gate `keyed` until it has a place, in the order in which jobs fell due;
those that were to run at once therefore go in the order of their creation. Lines move on *events*, rows
that say that somebody has to look: a job that ended with its place or behind its gate, one that `tells_line`,
a job that fell due and is not in line. An event is taken away only after its line was moved, in the same
transaction, so none is lost. Each has its own limit, so whoever goes out of a line may have been what
those behind it waited for, though no place was left.

A template's job comes here after its overlap was decided. One that nobody looked at in time is passed over:
its template's misfire policy decides first. From the first look on it cannot be missed any more.
"""

_NOT_MISSED = "(job.missed_at IS NULL OR job.missed_at > %(now)s)"

# Indexes job_place_left, job_line_left, job_tells_line and job_keyed_not_in_line. All that a step costs
# when no line has to move.
ANYTHING = f"""
SELECT (SELECT true
          FROM jobs_job
         WHERE holds_place AND finalized_at IS NOT NULL
         ORDER BY id
         LIMIT 1) IS NOT NULL
    OR (SELECT true
          FROM jobs_job
         WHERE gate = 'keyed' AND finalized_at IS NOT NULL
         ORDER BY id
         LIMIT 1) IS NOT NULL
    OR (SELECT true
          FROM jobs_job
         WHERE tells_line
         ORDER BY id
         LIMIT 1) IS NOT NULL
    OR (SELECT true
          FROM jobs_job AS job
         WHERE gate = 'keyed' AND NOT in_line AND status = 'scheduled'
           AND scheduled_at <= (SELECT %(now)s::timestamptz)
           AND {_NOT_MISSED}
         ORDER BY scheduled_at, id
         LIMIT 1) IS NOT NULL
"""  # noqa: S608 - constants only

# Its own statement: the next one's snapshot must see what the lock's last holder committed.
LOCK = "SELECT pg_advisory_xact_lock(%(lock)s)"

EVENTS = f"""
(SELECT id, merchant_id, concurrency_key, 'ended'
   FROM jobs_job
  WHERE holds_place AND finalized_at IS NOT NULL
  ORDER BY id
  LIMIT %(limit)s)
UNION ALL
(SELECT id, merchant_id, concurrency_key, 'ended'
   FROM jobs_job
  WHERE gate = 'keyed' AND finalized_at IS NOT NULL
  ORDER BY id
  LIMIT %(limit)s)
UNION ALL
(SELECT id, merchant_id, concurrency_key, 'told'
   FROM jobs_job
  WHERE tells_line
  ORDER BY id
  LIMIT %(limit)s)
UNION ALL
(SELECT id, merchant_id, concurrency_key, 'due'
   FROM jobs_job AS job
  WHERE gate = 'keyed' AND NOT in_line AND status = 'scheduled'
    AND scheduled_at <= (SELECT %(now)s::timestamptz)
    AND {_NOT_MISSED}
  ORDER BY scheduled_at, id
  LIMIT %(limit)s)
"""  # noqa: S608 - constants only

# Whoever waits for a place of one key and is due, in their order.
_IN_LINE = f"""FROM jobs_job AS job
            WHERE job.merchant_id = {{of}}.merchant_id
              AND job.concurrency_key = {{of}}.key
              AND job.gate = 'keyed'
              AND job.status = 'scheduled'
              AND job.scheduled_at <= (SELECT %(now)s::timestamptz)
              AND {_NOT_MISSED}
            ORDER BY job.scheduled_at, job.id"""

# Indexes job_place_held and job_keyed, a range a key of each; the limit of whoever is first says how far
# the line is read, and one further. A job goes when fewer than its own limit hold places, and nobody
# overtakes. When the one further goes as well, limits differ and more may follow: `further`. Somebody
# else may hold a row's lock (a person cancels or moves the job): then nobody behind it goes either. In
# both cases the line is not `moved`: its events stay for the next step, and whoever got a place is one
# more, for it may have been the event.
GRANT = f"""
WITH line AS MATERIALIZED (
    SELECT given.merchant_id, given.key, place.taken
      FROM unnest(%(merchants)s::uuid[], %(keys)s::text[]) AS given(merchant_id, key)
     CROSS JOIN LATERAL (
           SELECT count(*) AS taken
             FROM jobs_job AS holder
            WHERE holder.merchant_id = given.merchant_id
              AND holder.concurrency_key = given.key
              AND holder.holds_place
              AND holder.finalized_at IS NULL
           ) AS place
), room AS MATERIALIZED (
    SELECT line.merchant_id, line.key, line.taken, first.concurrency_limit - line.taken AS places
      FROM line
     CROSS JOIN LATERAL (
           SELECT job.concurrency_limit
             {_IN_LINE.format(of="line")}
            LIMIT 1
           ) AS first
     WHERE first.concurrency_limit > line.taken
), next AS MATERIALIZED (
    SELECT waiting.id, room.merchant_id, room.key, waiting.turn, waiting.turn > room.places AS further,
           bool_and(waiting.concurrency_limit >= room.taken + waiting.turn)
               OVER (PARTITION BY room.merchant_id, room.key ORDER BY waiting.turn) AS may
      FROM room
     CROSS JOIN LATERAL (
           SELECT job.id, job.concurrency_limit,
                  row_number() OVER (ORDER BY job.scheduled_at, job.id) AS turn
             {_IN_LINE.format(of="room")}
            LIMIT room.places + 1
           ) AS waiting
), locked AS MATERIALIZED (
    SELECT job.id
      FROM jobs_job AS job
     WHERE job.id = ANY(ARRAY(SELECT id FROM next WHERE may))
       AND job.gate = (SELECT 'keyed')
       AND job.status = (SELECT 'scheduled')
       AND job.scheduled_at <= %(now)s
     ORDER BY job.id
       FOR UPDATE OF job SKIP LOCKED
), granted AS MATERIALIZED (
    SELECT next.id, next.merchant_id, next.key,
           bool_and(locked.id IS NOT NULL)
               OVER (PARTITION BY next.merchant_id, next.key ORDER BY next.turn) AS may,
           bool_and(locked.id IS NOT NULL AND NOT next.further)
               OVER (PARTITION BY next.merchant_id, next.key) AS moved
      FROM next
      LEFT JOIN locked ON locked.id = next.id
     WHERE next.may
), placed AS (
    UPDATE jobs_job AS job
       SET holds_place = true, in_line = false, gate = '', missed_at = NULL,
           tells_line = NOT granted.moved
      FROM granted
     WHERE job.id = granted.id AND granted.may
)
SELECT merchant_id, key, count(*) FILTER (WHERE may), bool_and(moved), bool_and(may)
  FROM granted
 GROUP BY merchant_id, key
"""  # noqa: S608 - constants only

# Primary key. Whoever was restarted meanwhile is an event again.
FORGET_ENDED = """
WITH mine AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE id = ANY(%(ids)s) AND (holds_place OR gate = 'keyed') AND finalized_at IS NOT NULL
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE jobs_job AS job
   SET holds_place = false, in_line = false,
       gate = CASE WHEN job.gate = 'keyed' THEN '' ELSE job.gate END
  FROM mine
 WHERE job.id = mine.id
"""

# Primary key.
FORGET_TOLD = """
WITH mine AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE id = ANY(%(ids)s) AND tells_line
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE jobs_job AS job SET tells_line = false FROM mine WHERE job.id = mine.id
"""

# Primary key. Whoever was moved to a later time meanwhile falls due again.
STAND_IN_LINE = """
WITH mine AS MATERIALIZED (
    SELECT id
      FROM jobs_job
     WHERE id = ANY(%(ids)s)
       AND gate = (SELECT 'keyed')
       AND status = (SELECT 'scheduled')
       AND scheduled_at <= %(now)s
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE jobs_job AS job SET in_line = true, missed_at = NULL FROM mine WHERE job.id = mine.id
"""
