"""The async lane: one asyncio loop per worker process, on which all its attempts run at once.

The command lane is another of its kind, with fewer places: a command is waited for like an answer.

Celery's threads only claim and hand over; they wait while the loop is full, and so leave messages
in the broker. Deadlines are asyncio's, since Celery enforces none on threads.
"""

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from jobs import lifecycle
from jobs.engine import Engine
from jobs.executor.identity import Duties, Identity, Key
from jobs.executor.measures import RunTimes
from jobs.executor.recorder import Recorder
from jobs.executor.running import run_attempt
from jobs.handlers.context import AttemptContext
from jobs.handlers.registry import ASYNC, at_most_once, close_kinds
from jobs.outcomes import Attempt, Ending, Outcome, Result
from jobs.verdict import verdict

logger = logging.getLogger(__name__)

Tickets = Sequence[tuple[UUID, int]]


class AsyncLane:
    """Runs attempts of one worker process, `capacity` at once. `execute` from any thread; `stop`
    once."""

    def __init__(self, engine: Engine, *, lane: str = ASYNC, capacity: int | None = None) -> None:
        self.engine = engine
        self.capacity = capacity or engine.async_capacity
        self.run_times = RunTimes()
        self.identity = Identity(
            lane=lane,
            capacity=self.capacity,
            engine=engine,
            run_times=self.run_times,
            duties=Duties(
                stop=self._stop_attempts,
                abandon=self._abandon,
                progress=self._progress,
                inspect=lambda: None,
                knows=self._knows,
            ),
        )
        self.recorder = Recorder(engine=engine, written=self._count)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="async-lane", daemon=True)
        # Guards the four below; notified when attempts end and when the lane stops.
        self._room = threading.Condition()
        self._reserved = 0  # places of messages whose claim is under way
        # Attempts from their claim until they are written or dropped: they fill the lane.
        self._known: set[Key] = set()
        self._stopping = False
        self._releasing = False
        # Touched by the loop's thread; the heartbeat's reads a copy.
        self._running: dict[Key, tuple[asyncio.Task[Outcome], AttemptContext]] = {}
        self._why: dict[Key, Result] = {}

    def start(self) -> None:
        """Start loop, recorder and heartbeat."""
        self._thread.start()
        self.recorder.start()
        self.identity.start()

    def execute(self, tickets: Tickets) -> int:
        """Claim what the message names and start it; returns how many attempts began.

        Blocks while the lane is full. What a stopping lane does not take goes back to scheduled.
        """
        if not self._reserve(len(tickets)):
            lifecycle.unqueue(tickets)
            return 0
        attempts: list[Attempt] = []
        try:
            self.identity.wait_registered(self.engine.worker_lease)
            attempts = lifecycle.claim(
                tickets=tickets,
                worker_id=self.identity.worker_id,
                engine=self.engine,
                at_most_once=at_most_once(),
            )
        finally:
            self._occupy(attempts, reserved=len(tickets))
        if attempts:
            self._loop.call_soon_threadsafe(self._begin, attempts)
        if len(attempts) < len(tickets):
            # Void tickets, or this worker was declared lost a moment ago: then they queue again.
            claimed = {attempt.ticket for attempt in attempts}
            lifecycle.unqueue([ticket for ticket in tickets if ticket[1] not in claimed])
        return len(attempts)

    def stop(self, *, patience: float) -> None:
        """Let attempts end for `patience` seconds, hand back the rest uncounted, say goodbye.

        The second call does nothing.
        """
        with self._room:
            if self._stopping:
                return
            self._stopping = True
            self._room.notify_all()
            self._room.wait_for(self._is_idle, patience)
        self._loop.call_soon_threadsafe(self._release_all)
        with self._room:
            self._room.wait_for(self._is_idle, 5.0)
        self.recorder.close(timeout=10.0)
        self.identity.stop(timeout=5.0)
        closing = asyncio.run_coroutine_threadsafe(close_kinds(), self._loop)
        concurrent.futures.wait([closing], timeout=2.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    # -- room ----------------------------------------------------------------------------------

    def _reserve(self, places: int) -> bool:
        with self._room:
            self._room.wait_for(lambda: self._stopping or self._has_room(places))
            if self._stopping:
                return False
            self._reserved += places
            return True

    def _has_room(self, places: int) -> bool:
        # A message larger than the lane is taken when the lane is empty.
        taken = self._reserved + len(self._known)
        return taken == 0 or taken + places <= self.capacity

    def _is_idle(self) -> bool:
        return not self._reserved and not self._known

    def _occupy(self, attempts: Sequence[Attempt], *, reserved: int) -> None:
        with self._room:
            self._reserved -= reserved
            self._known.update((attempt.job_id, attempt.ticket) for attempt in attempts)
            self._room.notify_all()

    def _forget(self, keys: Iterable[Key]) -> None:
        with self._room:
            self._known.difference_update(keys)
            self._room.notify_all()

    def _knows(self, key: Key) -> bool:
        with self._room:
            return key in self._known

    # -- on the loop's thread --------------------------------------------------------------------

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _begin(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            key = (attempt.job_id, attempt.ticket)
            context = AttemptContext(attempt)
            task = self._loop.create_task(run_attempt(attempt, context))
            self._running[key] = (task, context)
            # A callback, not code around the await: a task that is cancelled before its first step
            # never runs any.
            task.add_done_callback(partial(self._ended, attempt, context, time.monotonic()))
            if self._releasing:
                self._cancel(key, Result.RELEASED)

    def _ended(
        self,
        attempt: Attempt,
        context: AttemptContext,
        started: float,
        task: asyncio.Task[Outcome],
    ) -> None:
        key = (attempt.job_id, attempt.ticket)
        del self._running[key]
        why = self._why.pop(key, Result.RELEASED)
        if task.cancelled():
            outcome = Outcome(result=why, log=context.taken_log(), began=context.began)
        else:
            outcome = task.result()
        if outcome.result is Result.LOST:
            self._forget([key])
            return
        seconds = time.monotonic() - started
        self.run_times.add(kind=attempt.kind, handler=attempt.handler, seconds=seconds)
        ending = verdict(attempt, outcome, poison_losses=self.engine.poison_losses)
        self.recorder.put(ending, running=len(self._running))

    def _release_all(self) -> None:
        # Also for claims whose answer is still under way.
        self._releasing = True
        for key in list(self._running):
            self._cancel(key, Result.RELEASED)

    def _drop_all(self) -> None:
        for key in list(self._running):
            self._cancel(key, Result.LOST)

    def _cancel_some(self, keys: Sequence[Key]) -> None:
        for key in keys:
            if key in self._running:
                self._cancel(key, Result.CANCELLED)

    def _cancel(self, key: Key, why: Result) -> None:
        task, context = self._running[key]
        self._why[key] = why
        context.ask_to_stop()
        task.cancel()

    # -- duties, on the heartbeat's thread ---------------------------------------------------------

    def _stop_attempts(self, keys: tuple[tuple[UUID, int], ...]) -> None:
        self._loop.call_soon_threadsafe(self._cancel_some, keys)

    def _abandon(self) -> None:
        # LOST here means: not ours to record; the watcher has written or will write it.
        self._loop.call_soon_threadsafe(self._drop_all)

    def _progress(self) -> list[tuple[UUID, int, int, str]]:
        reports = []
        for (job_id, ticket), (_, context) in self._running.copy().items():
            if (latest := context.taken_progress()) is not None:
                reports.append((job_id, ticket, *latest))
        return reports

    # -- on the recorder's thread ----------------------------------------------------------------

    def _count(self, written: Sequence[Ending]) -> None:
        # Only now is the place free: what waits to be written still fills the lane.
        self._forget((ending.job_id, ending.ticket) for ending in written)
