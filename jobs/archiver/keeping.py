"""Until when back each merchant's history is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from jobs.partitions import History
from jobs.retention import Retention

# One row for each length of time that some merchant keeps; a few, whatever the number of merchants.
_KEPT_DAYS = """
SELECT least(coalesce({column}, %(days)s), %(days)s), array_agg(id)
  FROM tenants_merchant
 GROUP BY 1
 ORDER BY 1
"""
_COLUMNS = {History.JOBS: "keep_jobs_days", History.EXECUTIONS: "keep_executions_days"}


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """Merchants that keep a table's rows back to the same moment."""

    since: datetime
    merchants: Sequence[UUID]


def keepings(table: History, now: datetime, retention: Retention) -> list[Keeping]:
    """Return all merchants by how far back they keep their rows, the shortest time first."""
    statement = _KEPT_DAYS.format(column=_COLUMNS[table])
    with connection.cursor() as cursor:
        cursor.execute(statement, {"days": retention.days})
        rows = cursor.fetchall()
    return [Keeping(since=now - timedelta(days=days), merchants=ids) for days, ids in rows]


def kept_since(keeping: Sequence[Keeping], now: datetime, retention: Retention) -> datetime:
    """Return the moment before which nobody keeps anything."""
    return keeping[-1].since if keeping else now - timedelta(days=retention.days)
