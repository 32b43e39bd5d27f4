"""Who a worker process is, and the thread that keeps saying that it lives."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from jobs import liveness
from jobs.engine import Engine
from jobs.executor.measures import RunTimes
from tenants.identifiers import new_id

logger = logging.getLogger(__name__)

# A worker that could not beat for this share of its lease stops its attempts by itself: soon they
# are another worker's.
FENCE_AT = 0.8


@dataclass(frozen=True)
class Duties:
    """What the heartbeat asks of its lane."""

    # Stop these attempts: (job id, ticket).
    stop: Callable[[tuple[tuple[UUID, int], ...]], None]
    # Drop all attempts unrecorded: they are, or soon will be, somebody else's.
    abandon: Callable[[], None]
    # Progress to show: (job id, ticket, percent, note).
    progress: Callable[[], list[tuple[UUID, int, int, str]]]
    # Once per beat: look after the lane's own processes.
    inspect: Callable[[], None]


class Identity:
    """One registered worker process. `worker_id` changes when it was declared lost and came back."""

    def __init__(
        self, *, lane: str, capacity: int, engine: Engine, run_times: RunTimes, duties: Duties
    ) -> None:
        self.name = f"{lane}@{socket.gethostname()}:{os.getpid()}"
        self.lane = lane
        self.capacity = capacity
        self.worker_id = new_id()
        self._engine = engine
        self._run_times = run_times
        self._duties = duties
        self._stopping = threading.Event()
        self._registered = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Register and begin to beat."""
        self._thread.start()

    def wait_registered(self, timeout: float) -> bool:
        """Wait until the worker's row exists; False when that takes over `timeout` seconds."""
        return self._registered.wait(timeout)

    def stop(self, *, timeout: float) -> None:
        """Say goodbye; call it when nothing runs any more."""
        self._stopping.set()
        self._thread.join(timeout)

    def _loop(self) -> None:
        try:
            self._beat_until_stopped()
            if self._registered.is_set():
                liveness.stop(self.worker_id)
        except (OperationalError, InterfaceError) as error:
            logger.warning("Could not say goodbye (%s)", type(error).__name__)
        finally:
            connection.close()

    def _beat_until_stopped(self) -> None:
        last_beat = time.monotonic()
        while not self._stopping.is_set():
            self._duties.inspect()
            try:
                self._beat()
                last_beat = time.monotonic()
            except (OperationalError, InterfaceError) as error:
                logger.warning("No heartbeat (%s)", type(error).__name__)
                connection.close()
                if time.monotonic() - last_beat > self._engine.worker_lease * FENCE_AT:
                    self._duties.abandon()
            self._stopping.wait(self._engine.heartbeat)

    def _beat(self) -> None:
        if not self._registered.is_set():
            liveness.register(
                worker_id=self.worker_id, name=self.name, lane=self.lane, capacity=self.capacity
            )
            self._registered.set()
        answer = liveness.beat(
            worker_id=self.worker_id,
            finished=self._run_times.finished,
            run_times=self._run_times.means(),
        )
        if not answer.alive:
            logger.warning("Worker %s was declared lost; starting over as a new one", self.name)
            self._duties.abandon()
            self._registered.clear()
            self.worker_id = new_id()
            return
        if answer.cancel:
            self._duties.stop(answer.cancel)
        liveness.show_progress(self._duties.progress())
