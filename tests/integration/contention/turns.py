"""Several sessions at once, in an order that a seed chooses: before each statement one is let on.

Whoever is let on holds its locks until it is let on again, as if it was paused between two statements;
whoever waits for such a lock is left waiting, and the others go on. So every gap between two statements
of a transaction is met, which threads that run as they like seldom do.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import connection

from tests.integration.sessions import PATIENCE

# Seconds after which a statement that did not return is looked at: it may wait for a lock.
SOON = 0.002
STUCK = "SELECT pid FROM unnest(%s::integer[]) AS pid WHERE cardinality(pg_blocking_pids(pid)) > 0"

Call = Callable[[], Any]


class Sessions:
    """Threads with a connection each, kept from call to call; `close` ends them."""

    def __init__(self, number: int) -> None:
        self._threads = [ThreadPoolExecutor(max_workers=1) for _ in range(number)]
        self._pids = [thread.submit(_backend).result(PATIENCE) for thread in self._threads]

    def close(self) -> None:
        for thread in self._threads:
            thread.submit(_close).result(PATIENCE)
            thread.shutdown()

    def in_turns(self, calls: Sequence[Call], chance: random.Random) -> list[Any]:
        """Run the calls at once, statement by statement in an order of `chance`; return their answers."""
        turns = _Turns(self._pids[: len(calls)], chance)
        running = [
            thread.submit(turns.run, pid, call)
            for thread, pid, call in zip(self._threads, self._pids, calls, strict=False)
        ]
        turns.conduct()
        return [one.result(PATIENCE) for one in running]

    def at_will(self, calls: Sequence[Call], _: random.Random) -> list[Any]:
        """Run the calls at once, as the machine likes; return their answers."""
        start = threading.Barrier(len(calls))
        running = [
            thread.submit(_after, start, call)
            for thread, call in zip(self._threads, calls, strict=False)
        ]
        return [one.result(PATIENCE) for one in running]


class _Turns:
    """Who waits for its turn, and who is on."""

    def __init__(self, pids: Sequence[int], chance: random.Random) -> None:
        self._chance = chance
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._on = set(pids)

    def run(self, pid: int, call: Call) -> Any:
        """Make the call, each statement of it in its turn."""
        try:
            with connection.execute_wrapper(partial(self._statement, pid)):
                return call()
        finally:
            with self._changed:
                self._on.discard(pid)
                self._changed.notify_all()

    def conduct(self) -> None:
        """Let one after the other on, until all have ended."""
        until = time.monotonic() + PATIENCE
        with self._changed:
            while self._on or self._waiting:
                assert time.monotonic() < until, "Nobody gets on."
                quiet = self._changed.wait_for(lambda: not self._on, timeout=SOON)
                if self._waiting and (quiet or self._all_are_stuck()):
                    pid = self._chance.choice(sorted(self._waiting))
                    self._waiting.remove(pid)
                    self._on.add(pid)
                    self._changed.notify_all()

    def _statement(
        self, pid: int, execute: Any, sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        with self._changed:
            self._on.discard(pid)
            self._waiting.add(pid)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: pid in self._on, timeout=PATIENCE)
        return execute(sql, params, many, context)

    def _all_are_stuck(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(STUCK, [list(self._on)])
            return {pid for (pid,) in cursor.fetchall()} == self._on


def _backend() -> int:
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def _after(start: threading.Barrier, call: Call) -> Any:
    start.wait(PATIENCE)
    return call()


def _close() -> None:
    connection.close()
