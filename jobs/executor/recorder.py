"""Writes endings in groups: whatever piled up while one group was written is the next one.

One thread per worker process. PostgreSQL away: it keeps the endings and tries again, for as long as
the worker may still own the attempts; the tickets decide whether they count.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from django.db import DatabaseError, DataError, InterfaceError, connection

from jobs import lifecycle, publishing
from jobs.engine import Engine
from jobs.fault_points import RECORDER_AFTER_COMMIT, RECORDER_BEFORE_COMMIT, reach
from jobs.outcomes import Ending
from jobs.states import JobStatus

logger = logging.getLogger(__name__)

GROUP = 200
# Seconds to wait for company while more attempts run: a group costs little more than one.
LINGER = 0.02
RETRY = 0.5


class Recorder:
    """`put` from any thread; `written` hears how many of a group were still ours."""

    def __init__(self, *, engine: Engine, written: Callable[[Sequence[Ending]], None]) -> None:
        self._engine = engine
        self._written = written
        self._pending: deque[Ending] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._running = 0
        self.refused = 0  # endings of attempts that were no longer this worker's
        self._thread = threading.Thread(target=self._loop, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, ending: Ending, *, running: int) -> None:
        """Hand over one ending; `running` attempts of this process have yet to end."""
        with self._changed:
            self._pending.append(ending)
            self._running = running
            # Not for each one: a thread that wakes takes the interpreter from the loop's.
            if len(self._pending) == 1 or self._group_is_complete():
                self._changed.notify()

    def close(self, *, timeout: float) -> bool:
        """Write what is left and end the thread; False when that took over `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        try:
            while group := self._next_group():
                self._write(group)
                self._written(group)
        finally:
            connection.close()

    def _next_group(self) -> list[Ending]:
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._closing)
            if self._running and not self._closing:
                self._changed.wait_for(self._group_is_complete, LINGER)
            return [self._pending.popleft() for _ in range(min(GROUP, len(self._pending)))]

    def _group_is_complete(self) -> bool:
        return len(self._pending) >= GROUP or not self._running or self._closing

    def _write(self, group: list[Ending]) -> None:
        while True:
            try:
                heeded = lifecycle.heed_breakers(group, self._engine)
                reach(RECORDER_BEFORE_COMMIT)
                moved = lifecycle.finish(heeded.endings)
                reach(RECORDER_AFTER_COMMIT)
            except DataError as error:
                self._write_singly(group, error)
                return
            except (DatabaseError, InterfaceError) as error:
                # Away, read-only after a fail-over, a deadlock: not the results' fault.
                logger.warning("Results wait for the database (%s)", type(error).__name__)
                connection.close()
                threading.Event().wait(RETRY)
            else:
                if heeded.recovered or any(job.makes_way for job in moved):
                    publishing.wake()
                self._count_refused(len(group) - len(moved))
                return

    def _write_singly(self, group: list[Ending], error: DataError) -> None:
        """One ending that PostgreSQL cannot store must not hold up its neighbours."""
        if len(group) > 1:
            for ending in group:
                self._write([ending])
            return
        (ending,) = group
        if ending == unrecordable(ending):
            logger.error("Job %s: even a bare ending was refused; dropped", ending.job_id)
            return
        logger.error(
            "The result of job %s cannot be stored (%s)", ending.job_id, type(error).__name__
        )
        self._write([unrecordable(ending)])

    def _count_refused(self, refused: int) -> None:
        if refused:
            self.refused += refused
            logger.warning("%d results came too late: their attempts were taken away", refused)


def unrecordable(ending: Ending) -> Ending:
    """Return the ending without the text that PostgreSQL refused."""
    return replace(
        ending,
        status=ending.status if ending.status == JobStatus.SUCCEEDED else JobStatus.FAILED,
        output=None,
        log=(),
        code=ending.code or "result_not_storable",
        message="The attempt ended, but its result holds text that cannot be stored.",
        detail="",
        fingerprint=ending.fingerprint or "0000000000000000",
    )
