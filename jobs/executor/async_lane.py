"""The async lane: one asyncio loop per worker process, on which all its attempts run at once.

Celery's threads only claim and hand over; they wait while the loop is full, and so leave messages
in the broker. Deadlines are asyncio's, since Celery enforces none on threads.
"""

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections.abc import Sequence
from uuid import UUID

from jobs import lifecycle
from jobs.engine import Engine
from jobs.executor.identity import Duties, Identity
from jobs.executor.measures import RunTimes
from jobs.executor.recorder import Recorder
from jobs.executor.running import run_attempt
from jobs.handlers.context import AttemptContext
from jobs.handlers.registry import close_kinds
from jobs.outcomes import Attempt, Ending, Outcome, Result
from jobs.verdict import verdict

logger = logging.getLogger(__name__)

Tickets = Sequence[tuple[UUID, int]]


class AsyncLane:
    """Runs attempts of one worker process. `execute` from any thread; `stop` once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.run_times = RunTimes()
        self.identity = Identity(
            lane="async",
            capacity=engine.async_capacity,
            engine=engine,
            run_times=self.run_times,
            duties=Duties(
                stop=self._stop_attempts,
                abandon=self._abandon,
                progress=self._progress,
                inspect=lambda: None,
            ),
        )
        self.recorder = Recorder(written=self._count)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="async-lane", daemon=True)
        # Guards the two below; notified when attempts end and when the lane stops.
        self._room = threading.Condition()
        self._taken = 0
        self._stopping = False
        # Touched by the loop's thread only.
        self._running: dict[tuple[UUID, int], tuple[asyncio.Task[None], AttemptContext]] = {}
        self._why: dict[tuple[UUID, int], Result] = {}

    def start(self) -> None:
        """Start loop, recorder and heartbeat."""
        self._thread.start()
        self.recorder.start()
        self.identity.start()

    def execute(self, tickets: Tickets) -> int:
        """Claim what the message names and start it; returns how many attempts began.

        Blocks while the lane is full. What a stopping lane does not take goes back to scheduled.
        """
        if not self._take(len(tickets)):
            lifecycle.unqueue(tickets)
            return 0
        attempts: list[Attempt] = []
        try:
            self.identity.wait_registered(self.engine.worker_lease)
            attempts = lifecycle.claim(
                tickets=tickets, worker_id=self.identity.worker_id, engine=self.engine
            )
        finally:
            self._give_back(len(tickets) - len(attempts))
        if attempts:
            self._loop.call_soon_threadsafe(self._begin, attempts)
        return len(attempts)

    def stop(self, *, patience: float) -> None:
        """Let attempts end for `patience` seconds, hand back the rest uncounted, say goodbye."""
        with self._room:
            self._stopping = True
            self._room.notify_all()
            self._room.wait_for(lambda: self._taken == 0, patience)
        self._loop.call_soon_threadsafe(self._cancel_all, Result.RELEASED)
        with self._room:
            self._room.wait_for(lambda: self._taken == 0, 5.0)
        self.recorder.close(timeout=10.0)
        self.identity.stop(timeout=5.0)
        closing = asyncio.run_coroutine_threadsafe(close_kinds(), self._loop)
        concurrent.futures.wait([closing], timeout=2.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    # -- room ----------------------------------------------------------------------------------

    def _take(self, places: int) -> bool:
        with self._room:
            # A message larger than the lane is taken when the lane is empty.
            self._room.wait_for(
                lambda: (
                    self._stopping
                    or self._taken == 0
                    or self._taken + places <= self.engine.async_capacity
                )
            )
            if self._stopping:
                return False
            self._taken += places
            return True

    def _give_back(self, places: int) -> None:
        if places:
            with self._room:
                self._taken -= places
                self._room.notify_all()

    # -- on the loop's thread --------------------------------------------------------------------

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _begin(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            context = AttemptContext(attempt)
            task = self._loop.create_task(self._attempt(attempt, context))
            self._running[attempt.job_id, attempt.ticket] = (task, context)

    async def _attempt(self, attempt: Attempt, context: AttemptContext) -> None:
        key = (attempt.job_id, attempt.ticket)
        started = time.monotonic()
        try:
            outcome = await run_attempt(attempt, context)
        except asyncio.CancelledError:
            outcome = Outcome(result=self._why.pop(key, Result.RELEASED), log=context.taken_log())
        del self._running[key]
        if outcome.result is not Result.LOST:
            self.run_times.add(
                kind=attempt.kind, handler=attempt.handler, seconds=time.monotonic() - started
            )
            ending = verdict(attempt, outcome, poison_losses=self.engine.poison_losses)
            self.recorder.put(ending, running=len(self._running))
        else:
            self._give_back(1)

    def _cancel_all(self, why: Result) -> None:
        for key, (task, context) in self._running.items():
            self._why[key] = why
            context.ask_to_stop()
            task.cancel()

    def _cancel_some(self, keys: Sequence[tuple[UUID, int]]) -> None:
        for key in keys:
            if key in self._running:
                task, context = self._running[key]
                self._why[key] = Result.CANCELLED
                context.ask_to_stop()
                task.cancel()

    # -- duties, on the heartbeat's thread ---------------------------------------------------------

    def _stop_attempts(self, keys: tuple[tuple[UUID, int], ...]) -> None:
        self._loop.call_soon_threadsafe(self._cancel_some, keys)

    def _abandon(self) -> None:
        # LOST here means: not ours to record; the watcher has written or will write it.
        self._loop.call_soon_threadsafe(self._cancel_all, Result.LOST)

    def _progress(self) -> list[tuple[UUID, int, int, str]]:
        reports = []
        for (job_id, ticket), (_, context) in list(self._running.items()):
            if (latest := context.taken_progress()) is not None:
                reports.append((job_id, ticket, *latest))
        return reports

    # -- on the recorder's thread ----------------------------------------------------------------

    def _count(self, written: Sequence[Ending]) -> None:
        # Only now is the place free: what waits to be written still fills the lane.
        self._give_back(len(written))
