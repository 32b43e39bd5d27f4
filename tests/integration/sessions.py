"""Sessions beside the test's own: calls on connections of their own, and waiting for their locks."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

PATIENCE = 30.0  # seconds


class OtherSession(threading.Thread):
    """Runs a call on a connection of its own; `result` waits for what it returned."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._answer: Any = None
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._answer = self._call()
        except Exception as error:  # noqa: BLE001 - raised again by result()
            self._error = error
        finally:
            connection.close()

    def result(self, seconds: float = PATIENCE) -> Any:
        self.join(seconds)
        assert not self.is_alive(), "The other session never ends."
        if self._error is not None:
            raise self._error
        return self._answer


def wait_until_one_waits_for_a_lock() -> None:
    """Return when some session waits for a lock of this one."""
    until = time.monotonic() + PATIENCE
    while not _somebody_waits():
        assert time.monotonic() < until, "Nobody waits for a lock."


def wait_until_it_waits_or_ends(session: OtherSession) -> None:
    """Return when the other session waits for a lock of this one, or has nothing left to do."""
    until = time.monotonic() + PATIENCE
    while session.is_alive() and not _somebody_waits():
        assert time.monotonic() < until, "The other session neither waits nor ends."


def _somebody_waits() -> bool:
    """Return whether a session waits for a lock of this one.

    Not by pg_stat_activity: a transaction sees that as it was when it first looked.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])
