"""How the expander runs a statement."""

from typing import Any

from django.db import connection


def execute(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
