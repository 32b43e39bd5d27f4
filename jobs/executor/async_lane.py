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
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from jobs.engine import Engine
from jobs.executor.claiming import Claimed, Tickets, claim, give_back
from jobs.executor.identity import Duties, Identity, Key
from jobs.executor.measures import RunTimes
from jobs.executor.recorder import Recorder
from jobs.executor.running import run_attempt
from jobs.handlers.context import AttemptContext
from jobs.handlers.registry import ASYNC, close_kinds
from jobs.outcomes import Attempt, Ending, Outcome, Result
from jobs.verdict import verdict

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Running:
    task: asyncio.Task[Outcome]
    context: AttemptContext
    until: float  # of the monotonic clock: when its timeout is over


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
                left=self._left,
                claim_as=lambda _: None,
            ),
        )
        self.recorder = Recorder(engine=engine, written=self._count)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="async-lane", daemon=True)
        # Guards the five below; notified when attempts end and when the lane stops.
        self._room = threading.Condition()
        self._reserved = 0  # places of messages whose claim is under way
        self._claiming: Counter[Key] = Counter()  # and what they name
        # Attempts from their claim until they are written or dropped: they fill the lane.
        self._known: set[Key] = set()
        self._stopping = False
        self._releasing = False
        # Touched by the loop's thread; the heartbeat's reads a copy.
        self._running: dict[Key, _Running] = {}
        self._why: dict[Key, Result] = {}

    def start(self) -> None:
        """Start loop, recorder and heartbeat."""
        self._thread.start()
        self.recorder.start()
        self.identity.start()

    def execute(self, tickets: Tickets) -> int:
        """Claim what the message names and start it; returns how many attempts began.

        Blocks while the lane is full, and while the database is away. What a stopping lane does not
        take goes back to scheduled.
        """
        if not self._reserve(tickets):
            give_back(tickets)
            return 0
        claimed = Claimed()
        try:
            claimed = claim(
                tickets,
                whoami=self.identity.whoami,
                engine=self.engine,
                stops_within=self._stops_within,
            )
        finally:
            self._occupy(claimed.attempts, reserved=tickets)
        attempts = claimed.attempts
        if attempts:
            self._loop.call_soon_threadsafe(self._begin, attempts, claimed.worker_id)
        # Void tickets, or this worker was declared lost a moment ago: then they queue again.
        taken = {attempt.ticket for attempt in attempts}
        give_back([ticket for ticket in tickets if ticket[1] not in taken])
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

    def _reserve(self, tickets: Tickets) -> bool:
        with self._room:
            self._room.wait_for(lambda: self._stopping or self._has_room(len(tickets)))
            if self._stopping:
                return False
            self._reserved += len(tickets)
            self._claiming.update(tickets)
            return True

    def _stops_within(self, seconds: float) -> bool:
        with self._room:
            return self._room.wait_for(lambda: self._stopping, seconds)

    def _has_room(self, places: int) -> bool:
        # A message larger than the lane is taken when the lane is empty.
        taken = self._reserved + len(self._known)
        return taken == 0 or taken + places <= self.capacity

    def _is_idle(self) -> bool:
        return not self._reserved and not self._known

    def _occupy(self, attempts: Sequence[Attempt], *, reserved: Tickets) -> None:
        with self._room:
            self._reserved -= len(reserved)
            self._claiming -= Counter(reserved)
            self._known.update((attempt.job_id, attempt.ticket) for attempt in attempts)
            self._room.notify_all()

    def _forget(self, keys: Iterable[Key]) -> None:
        with self._room:
            self._known.difference_update(keys)
            self._room.notify_all()

    def _knows(self, key: Key) -> bool:
        with self._room:
            # What is being claimed may be ours already, with the answer still under way.
            return key in self._known or key in self._claiming

    # -- on the loop's thread --------------------------------------------------------------------

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _begin(self, attempts: Sequence[Attempt], worker_id: UUID | None) -> None:
        if not self.identity.answers_for(worker_id):
            # This process stood still since the claim, or could not beat: they are, or soon will be,
            # somebody else's.
            logger.warning("%d attempts are not begun: their lease may be over", len(attempts))
            self._forget((attempt.job_id, attempt.ticket) for attempt in attempts)
            return
        for attempt in attempts:
            key = (attempt.job_id, attempt.ticket)
            context = AttemptContext(attempt)
            task = self._loop.create_task(run_attempt(attempt, context))
            until = time.monotonic() + attempt.timeout
            self._running[key] = _Running(task=task, context=context, until=until)
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
        running = self._running[key]
        self._why[key] = why
        running.context.ask_to_stop()
        running.task.cancel()

    # -- duties, on the heartbeat's thread ---------------------------------------------------------

    def _stop_attempts(self, keys: tuple[tuple[UUID, int], ...]) -> None:
        self._loop.call_soon_threadsafe(self._cancel_some, keys)

    def _abandon(self) -> None:
        # LOST here means: not ours to record; the watcher has written or will write it.
        self._loop.call_soon_threadsafe(self._drop_all)

    def _progress(self) -> list[tuple[UUID, int, int, str]]:
        reports = []
        for (job_id, ticket), running in self._running.copy().items():
            if (latest := running.context.taken_progress()) is not None:
                reports.append((job_id, ticket, *latest))
        return reports

    def _left(self) -> dict[Key, float]:
        now = time.monotonic()
        running = self._running.copy().items()
        return {key: one.until - now for key, one in running if one.until > now}

    # -- on the recorder's thread ----------------------------------------------------------------

    def _count(self, written: Sequence[Ending]) -> None:
        # Only now is the place free: what waits to be written still fills the lane.
        self._forget((ending.job_id, ending.ticket) for ending in written)
