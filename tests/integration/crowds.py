"""Rows that all tests of a module read: stored once, gone when the module's last test is over.

Each test's own transaction is a savepoint inside the crowd's. Not for tests that commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction


@contextmanager
def crowd(blocker: Any) -> Iterator[None]:
    """Store what the body stores until the `with` ends. `blocker`: pytest-django's fixture."""
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
