"""How the apps' named statements are run: prepared once a connection, then only executed."""

from typing import Any, TypeAlias

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper
from psycopg.types.array import ListBinaryDumper

# A tuple, of whatever the statement selects.
Row: TypeAlias = Any


def execute(statement: str, **values: Any) -> list[Row]:
    """Run one statement, a constant of the code, and return its rows."""
    with _cursor() as cursor:
        cursor.execute(statement, values)
        # Not `description`: that one is made up of objects each time it is asked for.
        return cursor.fetchall() if cursor.rownumber is not None else []


def _cursor() -> CursorWrapper:
    cursor: CursorWrapper = connection.cursor()
    if settings.TASKFLOW_PREPARE_STATEMENTS:
        # Django checks the connection and wraps errors; only the way to the server is another: values
        # travel beside the statement, and the driver prepares what comes again.
        cursor.cursor = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return cursor


def send_lists_as_they_are(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Have a new connection's statements take lists in PostgreSQL's binary form.

    As text, quoted element by element in Python, the lists of a group of results cost a worker a
    fifth of its time: 37 microseconds a job instead of 7. The ORM's are literals and stay text.
    """
    connection.connection.adapters.register_dumper(list, ListBinaryDumper)
