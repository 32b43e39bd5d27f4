"""The platform's one clock, for the edges of the lower apps: PostgreSQL's."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the database server's time, aware, in UTC."""
    with connection.cursor() as cursor:
        # Not now(): that one stands still within a transaction.
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment
