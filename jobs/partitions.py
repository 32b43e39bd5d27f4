"""Weekly partitions of executions, made ahead of time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection
from psycopg import sql

WEEKS_AHEAD = 4


def ensure_partitions(now: datetime) -> list[str]:
    """Make this week's partition and the next four; returns the names of the new ones."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=midnight.weekday())
    mondays = [monday + timedelta(weeks=week) for week in range(WEEKS_AHEAD + 1)]
    missing = [week for week in mondays if _name(week) not in _existing()]
    with connection.cursor() as cursor:
        for week in missing:
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
    return [_name(week) for week in missing]


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
