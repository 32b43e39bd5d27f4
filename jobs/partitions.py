"""Weekly partitions of history: executions, made ahead of time, and the archive of finished jobs."""

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg import sql
from psycopg.errors import LockNotAvailable

logger = logging.getLogger(__name__)

WEEKS_AHEAD = 4
WEEK = timedelta(weeks=1)
# Whoever waits for a table's lock holds up all who come after, so nobody waits for long.
LOCK_PATIENCE = "500ms"
_WEEKLY = re.compile(r"(jobs_execution|jobs_archivedjob)_(\d{8})")


class History(StrEnum):
    """The partitioned tables. Executions by their ids, which begin with the time; jobs by their end."""

    EXECUTIONS = "jobs_execution"
    JOBS = "jobs_archivedjob"


class TableHeld(Exception):
    """Somebody reads or changes the table for long; try again in a while."""


@dataclass(frozen=True, kw_only=True)
class Week:
    """A partition: its table's rows from `starts` on, until before `ends`."""

    table: History
    starts: datetime

    @property
    def ends(self) -> datetime:
        """The beginning of the next one."""
        return self.starts + WEEK

    @property
    def name(self) -> str:
        """The partition's own name."""
        return f"{self.table}_{self.starts:%Y%m%d}"


def ensure_partitions(now: datetime) -> list[str]:
    """Make this week's partition of executions and the next four; returns the names of the new ones."""
    monday = week_of(History.EXECUTIONS, now).starts
    weeks = [
        Week(table=History.EXECUTIONS, starts=monday + WEEK * number)
        for number in range(WEEKS_AHEAD + 1)
    ]
    existing = set(weeks_of(History.EXECUTIONS))
    return [week.name for week in weeks if week not in existing and _make(week)]


def ensure_archive(moments: Iterable[datetime]) -> None:
    """Make the weeks of the archive that these moments belong to, those that are not there.

    Raises TableHeld.
    """
    wanted = {week_of(History.JOBS, moment) for moment in moments}
    for week in sorted(wanted.difference(weeks_of(History.JOBS)), key=lambda week: week.starts):
        with waiting_briefly():
            make_week(week)


@contextmanager
def waiting_briefly() -> Iterator[None]:
    """Let the block's statements wait no longer than LOCK_PATIENCE for a lock, within a transaction.

    Raises TableHeld; the transaction is lost then.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_PATIENCE])
        try:
            yield
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise TableHeld from error
            raise
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def make_week(week: Week) -> None:
    """Make a week's partition unless it is there. Raises IntegrityError: the default one has its rows."""
    ids = week.table is History.EXECUTIONS
    low, high = (first_id(one) if ids else one for one in (week.starts, week.ends))
    statement = sql.SQL(
        "CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})"
    ).format(
        sql.Identifier(week.name),
        sql.Identifier(week.table),
        sql.Literal(low),
        sql.Literal(high),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


def week_of(table: History, moment: datetime) -> Week:
    """Return the week, from Monday in UTC, that a moment belongs to."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Week(table=table, starts=midnight - timedelta(days=midnight.weekday()))


def weeks_of(table: History) -> list[Week]:
    """Return a table's weekly partitions, the earliest first; a default one is not among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
            "WHERE inhparent = %s::regclass ORDER BY relname",
            [table.value],
        )
        weeks = [week_named(row[0]) for row in cursor.fetchall()]
    return [week for week in weeks if week is not None]


def week_named(name: str) -> Week | None:
    """Return the week whose partition has, or had, this name; None for other tables."""
    match = _WEEKLY.fullmatch(name)
    if match is None:
        return None
    starts = datetime.strptime(match[2], "%Y%m%d").replace(tzinfo=UTC)
    return Week(table=History(match[1]), starts=starts)


def first_id(moment: datetime) -> UUID:
    """Return the lowest UUIDv7 of a moment (RFC 9562, section 5.7: 48 bits of milliseconds)."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80)


def _make(week: Week) -> bool:
    """Make one week's partition; False when rows of that week lie in the default partition.

    Then nobody kept up for weeks. The default partition serves that week; the others must not
    wait for it.
    """
    try:
        with transaction.atomic():
            make_week(week)
    except IntegrityError:
        logger.warning("%s cannot be made: the default partition holds its week", week.name)
        return False
    return True
