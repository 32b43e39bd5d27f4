"""Weekly partitions of executions, made ahead of time."""

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from psycopg import sql

logger = logging.getLogger(__name__)

WEEKS_AHEAD = 4


def ensure_partitions(now: datetime) -> list[str]:
    """Make this week's partition and the next four; returns the names of the new ones."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=midnight.weekday())
    mondays = [monday + timedelta(weeks=week) for week in range(WEEKS_AHEAD + 1)]
    existing = _existing()
    return [_name(week) for week in mondays if _name(week) not in existing and _make(week)]


def _make(week: datetime) -> bool:
    """Make one week's partition; False when rows of that week lie in the default partition.

    Then nobody kept up for weeks. The default partition serves that week; the others must not
    wait for it.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "CREATE TABLE IF NOT EXISTS {} PARTITION OF jobs_execution "
                    "FOR VALUES FROM ({}) TO ({})"
                ).format(
                    sql.Identifier(_name(week)),
                    sql.Literal(first_id(week)),
                    sql.Literal(first_id(week + timedelta(weeks=1))),
                )
            )
    except IntegrityError:
        logger.warning("%s cannot be made: the default partition holds its week", _name(week))
        return False
    return True


def first_id(moment: datetime) -> UUID:
    """Return the lowest UUIDv7 of a moment (RFC 9562, section 5.7: 48 bits of milliseconds)."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80)


def _name(monday: datetime) -> str:
    return f"jobs_execution_{monday:%Y%m%d}"


def _existing() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            "WHERE inhparent = 'jobs_execution'::regclass"
        )
        return {row[0] for row in cursor.fetchall()}
