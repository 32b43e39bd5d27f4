"""Questions to PostgreSQL that the count of a peer's statements leaves out."""

import psycopg
from psycopg import sql

from benchmarks.costs import OURS
from benchmarks.peers.peer import database_url


class Table:
    """One table, watched over a connection of its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: psycopg.Connection | None = None

    def rows(self) -> int:
        """Return how many rows it has."""
        return self._number("count(*)", "true")

    def has(self, condition: str) -> bool:
        """Tell whether a row meets the condition."""
        return bool(self._number("count(*)", condition, limit="LIMIT 1"))

    def _number(self, wanted: str, condition: str, *, limit: str = "") -> int:
        if self._open is None:
            self._open = psycopg.connect(database_url(), autocommit=True)
        template = (
            f"SELECT {OURS} {wanted} FROM (SELECT 1 FROM {{}} WHERE {condition} {limit}) AS r"
        )
        query = sql.SQL(template).format(sql.Identifier(self._name))
        row = self._open.execute(query).fetchone()
        assert row is not None
        return int(row[0])
