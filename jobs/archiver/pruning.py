"""Rows of merchants that keep their history for a shorter time than others, out of weeks that stay.

A merchant's rows of a week go when the whole week is older than it keeps. Small batches, each a
transaction; what somebody has locked is left for the next time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

from jobs.archiver.keeping import keepings, kept_since
from jobs.partitions import History, first_id, weeks_of
from jobs.retention import Retention

PRUNE_LIMIT = 5_000
PRUNE_STEPS = 20
# Few are met in vain: those of the long past whose jobs are still kept.
MOST_DEPENDENCY_STEPS = 1_000
LAST_ID = UUID(int=2**128 - 1)

# Indexes (merchant_id, id) of the partition: one range a merchant, empty from the second time on.
_PRUNE = sql.SQL("""
WITH old AS MATERIALIZED (
    SELECT id
      FROM {partition}
     WHERE merchant_id = ANY(%(merchants)s::uuid[]) AND id < %(below)s::uuid
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
)
DELETE FROM {partition} AS kept USING old WHERE kept.id = old.id
""")

# By primary key from a place on: those of jobs that are still kept are passed over once a walk.
_PRUNE_DEPENDENCIES = """
WITH old AS MATERIALIZED (
    SELECT id, parent_id, child_id
      FROM jobs_dependency
     WHERE id > %(after)s AND id < %(below)s
     ORDER BY id
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM jobs_dependency AS dependency
     USING old
     WHERE dependency.id = old.id
       AND (SELECT true FROM jobs_anyjob AS job WHERE job.id = old.parent_id LIMIT 1) IS NULL
       AND (SELECT true FROM jobs_anyjob AS job WHERE job.id = old.child_id LIMIT 1) IS NULL
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone), (SELECT id FROM old ORDER BY id DESC LIMIT 1)
"""


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """How many rows were deleted, and whether there may be more of them."""

    jobs: int
    executions: int
    more: bool


def prune(now: datetime, retention: Retention) -> Pruned:
    """Delete what its merchants keep no longer."""
    jobs, more_jobs = _prune(History.JOBS, now, retention)
    executions, more_executions = _prune(History.EXECUTIONS, now, retention)
    return Pruned(jobs=jobs, executions=executions, more=more_jobs or more_executions)


def _prune(table: History, now: datetime, retention: Retention) -> tuple[int, bool]:
    left = PRUNE_STEPS
    pruned = 0
    for partition, merchants, below in _outlived(table, now, retention):
        statement = _PRUNE.format(partition=sql.Identifier(partition))
        values: dict[str, Any] = {"merchants": merchants, "below": below, "limit": PRUNE_LIMIT}
        while True:
            if not left:
                return pruned, True
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                removed = cursor.rowcount
            pruned += removed
            if removed:
                left -= 1
            if removed < PRUNE_LIMIT:
                break
    return pruned, False


def _outlived(
    table: History, now: datetime, retention: Retention
) -> Iterator[tuple[str, list[UUID], UUID]]:
    """Yield partitions, the merchants that keep nothing of them, and the id below which that holds."""
    keeping = keepings(table, now, retention)
    dropped_before = kept_since(keeping, now, retention)
    for week in weeks_of(table):
        if week.ends <= dropped_before:
            continue  # dropped whole, without a look at its rows
        merchants = [one for each in keeping if week.ends <= each.since for one in each.merchants]
        if merchants:
            yield week.name, merchants, LAST_ID
    if table is History.EXECUTIONS:
        # What was written while no week was made for it. It is never dropped.
        for each in keeping:
            yield f"{table}_default", list(each.merchants), first_id(each.since)


def prune_dependencies(now: datetime, retention: Retention) -> int:
    """Delete dependencies of jobs that are kept no longer; one walk over those older than that."""
    below = first_id(now - timedelta(days=retention.days))
    after = UUID(int=0)
    pruned = 0
    for _ in range(MOST_DEPENDENCY_STEPS):
        with connection.cursor() as cursor:
            values: dict[str, Any] = {"after": after, "below": below, "limit": PRUNE_LIMIT}
            cursor.execute(_PRUNE_DEPENDENCIES, values)
            removed, last = cursor.fetchone()
        pruned += removed
        if last is None:
            break
        after = last
    return pruned
