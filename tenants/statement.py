"""How the apps' named statements are run: prepared once a connection, then only executed."""

from typing import Any, TypeAlias

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

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
