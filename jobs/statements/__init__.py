"""The SQL of the engine's hot path, named and in one place.

Rules that every statement keeps:

- Rows are locked in id order before they are changed, so that two sets never deadlock.
- A limited set is locked in a MATERIALIZED CTE. The plain `IN (SELECT … LIMIT n)` form claimed
  2,000 rows for LIMIT 10 under a nested-loop plan.
- Whether a merchant is active is a scalar subquery, one probe a row. As EXISTS the planner turned it
  into a join and read a merchant's whole history by job_merchant_newest.
- What is due is compared with a moment in a sub-select, so that the planner walks the index in its
  order up to the limit. When it saw the moment and statistics of an hour ago, it sorted a whole
  backlog for every batch, through a bitmap, which meets dead entries again and again.
- Status and ticket stand in the WHERE of the change; the returned rows are the answer.
- PostgreSQL 18 is assumed: RETURNING old, uuidv7().
"""
