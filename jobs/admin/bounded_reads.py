"""Reads for people that PostgreSQL gives up by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled


class TookTooLong(Exception):
    """A statement ran into the time limit; the rest of the block was not done."""


@contextmanager
def reading_for_at_most(seconds: float) -> Iterator[None]:
    """Limit each statement of the block to `seconds`. Raises TookTooLong."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                milliseconds = str(round(seconds * 1000))
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
            yield
            with connection.cursor() as cursor:
                # A block within a transaction of its caller's must not leave the limit behind.
                cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TookTooLong from error
        raise
