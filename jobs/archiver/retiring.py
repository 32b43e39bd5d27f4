"""Weeks that nobody keeps any more: taken out of their table, exported if so configured, and dropped.

A week is first detached and renamed, in one short transaction: from then on nobody reads or writes it, so
that an export is of rows that stay as they are, may take its time and be killed, and dropping the rest
holds up nobody. PostgreSQL's catalogue is the record of how far a week has come.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from psycopg import sql

from jobs.archiver.exporting import ExportFailed, export_part
from jobs.archiver.keeping import keepings, kept_since
from jobs.partitions import History, TableHeld, Week, waiting_briefly, weeks_of
from jobs.retention import Retention

_RETIRED = re.compile(r"(?:jobs_execution|jobs_archivedjob)_\d{8}_retired_\d{14}")
_FIND_RETIRED = """
SELECT relname
  FROM pg_class
 WHERE relkind = 'r' AND NOT relispartition
   AND relnamespace = current_schema()::regnamespace
   AND relname LIKE ANY(ARRAY['jobs\\_execution\\_%%', 'jobs\\_archivedjob\\_%%'])
 ORDER BY relname
"""


@dataclass(frozen=True, kw_only=True)
class Retired:
    """What became of weeks that nobody keeps."""

    detached: tuple[str, ...] = ()
    exported_rows: int = 0
    dropped: tuple[str, ...] = ()
    blocked: bool = False
    failure: str = ""
    more: bool = False


def retire(now: datetime, retention: Retention) -> Retired:
    """Detach the weeks that are due, export one part of what was detached, drop what is exported.

    What could not be exported stays, detached, and `failure` says why.
    """
    due = due_weeks(now, retention)
    detached = [week.name for week in due if detach(week, now)]
    dropped = []
    exported = 0
    failure = ""
    waiting = retired_tables()
    for name in waiting:
        if retention.export:
            try:
                manifest, rows = export_part(name, retention.export)
            except ExportFailed as refused:
                failure = str(refused)
                break
            exported += rows
            if not manifest.complete:
                break
        if drop(name):
            dropped.append(name)
        if exported:
            break
    blocked = len(detached) < len(due)
    return Retired(
        detached=tuple(detached),
        exported_rows=exported,
        dropped=tuple(dropped),
        blocked=blocked,
        failure=failure,
        more=blocked or (not failure and len(dropped) < len(waiting)),
    )


def due_weeks(now: datetime, retention: Retention) -> list[Week]:
    """Return the weeks of both tables that no merchant keeps any more."""
    due = []
    for table in History:
        since = kept_since(keepings(table, now, retention), now, retention)
        due += [week for week in weeks_of(table) if week.ends <= since]
    return due


def retired_tables() -> list[str]:
    """Return the weeks that were detached and not yet dropped."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND_RETIRED, [])
        return [row[0] for row in cursor.fetchall() if _RETIRED.fullmatch(row[0])]


def detach(week: Week, now: datetime) -> bool:
    """Take a week out of its table; False when somebody held a lock for too long.

    Not CONCURRENTLY, which PostgreSQL refuses beside a default partition. It needs the table for an
    instant, and whoever comes meanwhile waits behind it: so it gives up soon rather than wait for a long
    reader.
    """
    statement = sql.SQL(
        "ALTER TABLE {table} DETACH PARTITION {partition}; ALTER TABLE {partition} RENAME TO {retired}"
    ).format(
        table=sql.Identifier(week.table),
        partition=sql.Identifier(week.name),
        retired=sql.Identifier(f"{week.name}_retired_{now:%Y%m%d%H%M%S}"),
    )
    return _quickly(statement)


def drop(name: str) -> bool:
    """Drop a detached week; False when somebody still reads it."""
    return _quickly(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))


def _quickly(statement: sql.Composed) -> bool:
    try:
        with transaction.atomic(), waiting_briefly(), connection.cursor() as cursor:
            cursor.execute(statement)
    except TableHeld:
        return False
    return True
