"""Who a worker process is, and the threads that keep saying so and that notice when they cannot."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from jobs import lifecycle, liveness
from jobs.engine import Engine
from jobs.executor.measures import RunTimes
from jobs.outcomes import Outcome, Result
from jobs.verdict import verdict
from tenants.identifiers import new_id

logger = logging.getLogger(__name__)

Key = tuple[UUID, int]  # job id, ticket

# Seconds from the first measure of some work to telling it: more of the kind may end meanwhile.
NEWS_AFTER = 0.05
# A worker that could not beat for this share of its lease stops its attempts by itself: soon they
# are another worker's.
FENCE_AT = 0.8


@dataclass(frozen=True, kw_only=True)
class Duties:
    """What the heartbeat asks of its lane."""

    # Stop these attempts.
    stop: Callable[[tuple[Key, ...]], None]
    # Drop all attempts unrecorded: they are, or soon will be, somebody else's.
    abandon: Callable[[], None]
    # Tell whether the lane looks after this attempt: runs it, or is about to record it.
    knows: Callable[[Key], bool]
    # Progress to show: (job id, ticket, percent, note).
    progress: Callable[[], list[tuple[UUID, int, int, str]]]
    # Once per beat: look after the lane's own processes.
    inspect: Callable[[], None]
    # Seconds that each attempt may still take by this machine's own clock; only those that run.
    left: Callable[[], Mapping[Key, float]]
    # Claim as this worker from now on; as nobody while it is None.
    claim_as: Callable[[UUID | None], None]


class Identity:
    """One registered worker process. It starts over under a new `worker_id` when it was declared
    lost, or could not beat for so long that it must count itself lost."""

    def __init__(
        self, *, lane: str, capacity: int, engine: Engine, run_times: RunTimes, duties: Duties
    ) -> None:
        self.name = f"{lane}@{socket.gethostname()}:{os.getpid()}"
        self.lane = lane
        self.capacity = capacity
        self.worker_id = new_id()
        self._former: UUID | None = None
        self._engine = engine
        self._run_times = run_times
        self._duties = duties
        self._last_beat = time.monotonic()
        self._fenced = threading.Event()
        self._unknown: frozenset[Key] = frozenset()
        self._stopping = threading.Event()
        self._registered = threading.Event()
        self._threads = [
            threading.Thread(target=self._beat_until_stopped, name="heartbeat", daemon=True),
            threading.Thread(target=self._watch_the_beat, name="fence", daemon=True),
        ]

    def start(self) -> None:
        """Register and begin to beat."""
        for thread in self._threads:
            thread.start()

    def wait_registered(self, timeout: float) -> bool:
        """Wait until the worker's row exists; False when that takes over `timeout` seconds."""
        return self._registered.wait(timeout)

    def whoami(self) -> UUID | None:
        """Return the worker to claim as; None while none is registered, or it must count itself lost."""
        worker_id = self.worker_id
        return worker_id if self.answers_for(worker_id) else None

    def answers_for(self, worker_id: UUID | None) -> bool:
        """Tell whether what that worker claimed is surely this process's still.

        Not when this process stood still for so long that it is, or soon will be, taken for dead.
        """
        return (
            self._registered.is_set()
            and not self._fenced.is_set()
            and self.worker_id == worker_id
            and time.monotonic() - self._last_beat <= self._fence
        )

    @property
    def _fence(self) -> float:
        return self._engine.worker_lease * FENCE_AT

    def stop(self, *, timeout: float) -> None:
        """Say goodbye; call it when nothing runs any more."""
        self._stopping.set()
        self._run_times.news.set()
        for thread in self._threads:
            thread.join(timeout)

    def _beat_until_stopped(self) -> None:
        while not self._stopping.is_set():
            self._survive(self._inspect_and_beat)
            until = time.monotonic() + self._engine.heartbeat
            while self._has_news_before(until):
                self._survive(self._say_alive)
        try:
            if self._registered.is_set():
                liveness.stop(self.worker_id)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Could not say goodbye (%s)", type(error).__name__)
        finally:
            connection.close()

    def _survive(self, step: Callable[[], object]) -> None:
        """Take a step; whatever it raises is logged, the next one comes all the same."""
        try:
            step()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("No heartbeat (%s)", type(error).__name__)
            connection.close()
        except Exception:
            # Whatever it is, a worker without a heartbeat would lose all its jobs for it.
            logger.exception("The heartbeat stumbled")

    def _has_news_before(self, until: float) -> bool:
        """Wait for the next beat; True when work was measured meanwhile that was not known before."""
        left = until - time.monotonic()
        if left <= 0 or not self._run_times.news.wait(left) or self._stopping.wait(NEWS_AFTER):
            return False
        self._run_times.news.clear()
        # `stop` sets both: its call must not be cleared away with the news.
        return not self._stopping.is_set()

    def _inspect_and_beat(self) -> None:
        self._duties.inspect()
        self._beat()

    def _watch_the_beat(self) -> None:
        """In a thread of its own: a frozen database blocks the beat instead of failing it."""
        while not self._stopping.wait(min(self._engine.heartbeat, self._fence / 4)):
            silent = time.monotonic() - self._last_beat
            if silent > self._fence and self._registered.is_set() and not self._fenced.is_set():
                logger.warning("No heartbeat for %.1f s: stopping all attempts", silent)
                self._fenced.set()
                self._drop_everything()

    def _beat(self) -> None:
        if self._fenced.is_set():
            self._start_over()
        if self._former is not None:
            # The watcher ends what the former self left running.
            liveness.stop(self._former)
            self._former = None
        if not self._registered.is_set():
            liveness.register(
                worker_id=self.worker_id, name=self.name, lane=self.lane, capacity=self.capacity
            )
            self._last_beat = time.monotonic()
            self._registered.set()
            self._duties.claim_as(self.worker_id)
        answer = self._say_alive()
        if self._fenced.is_set():
            return  # it took too long: the attempts are dropped already
        if not answer.alive:
            logger.warning("Worker %s was declared lost; starting over as a new one", self.name)
            self._start_over()
            return
        self._last_beat = time.monotonic()
        self._look_after(answer)

    def _drop_everything(self) -> None:
        self._duties.claim_as(None)
        self._duties.abandon()

    def _say_alive(self) -> liveness.Heartbeat:
        return liveness.beat(
            worker_id=self.worker_id,
            finished=self._run_times.finished,
            run_times=self._run_times.means(),
            left=self._duties.left(),
            grace=self._engine.deadline_grace,
        )

    def _start_over(self) -> None:
        self._registered.clear()
        self._former, self.worker_id = self.worker_id, new_id()
        self._unknown = frozenset()
        self._last_beat = time.monotonic()
        self._fenced.clear()
        # Last, though a fenced one has done so: now nothing begins any more that the former one claimed.
        self._drop_everything()

    def _look_after(self, answer: liveness.Heartbeat) -> None:
        if answer.cancel:
            self._duties.stop(answer.cancel)
        liveness.show_progress(self._duties.progress())
        unknown = frozenset(key for key in answer.running if not self._duties.knows(key))
        # A claim whose answer got lost in the network: ours by the row, but nobody runs it. Twice
        # unknown, because the answer to a fresh claim may still be on its way.
        self._release(unknown & self._unknown)
        self._unknown = unknown

    def _release(self, keys: frozenset[Key]) -> None:
        if not keys:
            return
        logger.warning("%d attempts were claimed but never begun; handed back", len(keys))
        outcome = Outcome(result=Result.RELEASED, began=False)
        losses = self._engine.poison_losses
        attempts = lifecycle.find_running(sorted(keys))
        lifecycle.finish([verdict(a, outcome, poison_losses=losses) for a in attempts])
