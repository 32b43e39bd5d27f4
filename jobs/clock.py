"""The platform's one clock: PostgreSQL's.

Read it once at the edge of a step (a view, a task, a loop) and pass the value down as `now`.
"""

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
