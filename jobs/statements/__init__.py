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
- Rows that are named by their ids compare their status with one in a sub-select, so that the planner
  takes the primary key. Where it could prove a partial index, it read all of that index and hashed
  it, with the dead entries of every job that was queued or ran of late: half of the time of a claim.
- A statement in a WITH hands on by RETURNING what the next one needs. Joined again, two CTEs of
  unknown size met in a nested loop of 40,000 rounds for a group of 200.
- Values travel apart from the statement (tenants.statement), so where PostgreSQL cannot tell a
  value's type by itself a cast does.
- Status and ticket stand in the WHERE of the change; the returned rows are the answer.
- PostgreSQL 18 is assumed: RETURNING old, uuidv7().
"""
