"""The child's side of the process lane: claim one job, run it under an alarm, record it."""

import logging
import os
import signal
import threading
import time
from types import FrameType
from uuid import UUID

from django.db import (
    DatabaseError,
    DataError,
    InterfaceError,
    close_old_connections,
    connection,
)

from jobs import lifecycle, publishing
from jobs.engine import Engine
from jobs.executor.claiming import Claimed, Tickets, claim, give_back
from jobs.executor.identity import FENCE_AT
from jobs.executor.recorder import unrecordable
from jobs.executor.running import Interrupted, run_attempt_in_process, time_limit
from jobs.executor.slots import CANCEL, CLAIMING, RELEASE, Slots
from jobs.fault_points import RECORDER_AFTER_COMMIT, RECORDER_BEFORE_COMMIT, reach
from jobs.handlers.context import MAX_LINE, AttemptContext
from jobs.handlers.text import storable
from jobs.outcomes import Attempt, Ending, Failure, Outcome, Result
from jobs.verdict import verdict

logger = logging.getLogger(__name__)

RECORD_RETRY = 0.5
# Seconds after which a child that waits looks whether its lane stops.
LOOK_UP = 0.05


class ReportingContext(AttemptContext):
    """Leaves progress where the parent's heartbeat finds it, since the child has none of its own, and
    the log where it outlives the child."""

    def __init__(self, attempt: Attempt, slots: Slots, index: int) -> None:
        super().__init__(attempt)
        self._ticket = attempt.ticket
        self._slots = slots
        self._index = index
        self._reporting = threading.Lock()

    def log(self, line: str) -> None:
        super().log(line)
        with self._reporting:
            self._slots.keep_line(self._index, self._ticket, storable(str(line), MAX_LINE))

    def progress(self, percent: int, note: str = "") -> None:
        super().progress(percent, note)
        with self._reporting:
            latest = self.taken_progress()
            if latest is not None:
                self._slots.report(self._index, self._ticket, *latest)


class ProcessChild:
    """Runs in one prefork child, in its main thread."""

    def __init__(self, slots: Slots, engine: Engine, *, index: int) -> None:
        self._slots = slots
        self._engine = engine
        self._index = index
        self._armed = False
        self._ticket = 0
        signal.signal(signal.SIGALRM, self._alarm)

    def execute(self, tickets: Tickets) -> int:
        """Run the message's jobs one after the other; each is claimed when its turn has come."""
        # Celery leaves the connection open between messages; PostgreSQL may have restarted since.
        close_old_connections()
        for done, ticket in enumerate(tickets):
            if self._slots.stopping:
                give_back(tickets[done:])
                return done
            self._execute_one(ticket)
        return len(tickets)

    def _execute_one(self, ticket: tuple[UUID, int]) -> None:
        # The slot is taken before the claim: with its answer still under way it may be ours already.
        self._occupy(ticket, deadline=CLAIMING)
        try:
            claimed = claim(
                [ticket],
                whoami=lambda: self._slots.worker_id,
                engine=self._engine,
                stops_within=self._stops_within,
            )
        except BaseException:
            self._slots.let_go(self._index)
            raise
        if not claimed.attempts:
            self._slots.let_go(self._index)
            # Void, or this process was declared lost a moment ago: then it may be queued again.
            give_back([ticket])
        for attempt in claimed.attempts:
            limit = time_limit(attempt)
            self._occupy(ticket, deadline=time.monotonic() + limit)
            if not self._is_ours_still(claimed):
                logger.warning("Job %s is not begun: its lease may be over", attempt.job_id)
                self._slots.let_go(self._index)
                return
            # Looked at again after the claim: whoever stops the lane no longer sees this attempt.
            released = Outcome(result=Result.RELEASED, began=False)
            outcome = released if self._slots.stopping else self._run(attempt, limit)
            ending = verdict(attempt, outcome, poison_losses=self._engine.poison_losses)
            self._record(ending)
            self._slots.vacate(self._index)

    def _is_ours_still(self, claimed: Claimed) -> bool:
        """Tell whether the worker lives that claimed; not when this process stood still for its lease."""
        stood_still = time.monotonic() - claimed.at > self._engine.worker_lease * FENCE_AT
        return not stood_still and self._slots.worker_id == claimed.worker_id

    def _occupy(self, ticket: tuple[UUID, int], *, deadline: float) -> None:
        job_id, number = ticket
        self._slots.occupy(
            self._index, pid=os.getpid(), job_id=job_id, ticket=number, deadline=deadline
        )

    def _stops_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not self._slots.stopping and time.monotonic() < until:
            time.sleep(LOOK_UP)
        return self._slots.stopping

    def _record(self, ending: Ending) -> None:
        """Keep trying while the database is away; the ticket decides whether it still counts."""
        while True:
            try:
                reach(RECORDER_BEFORE_COMMIT)
                moved = lifecycle.finish([ending])
                reach(RECORDER_AFTER_COMMIT)
            except DataError:
                logger.exception("The result of job %s cannot be stored", ending.job_id)
                ending = unrecordable(ending)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("A result waits for the database (%s)", type(error).__name__)
                connection.close()
                time.sleep(RECORD_RETRY)
            else:
                if any(job.makes_way for job in moved):
                    publishing.wake()
                if not moved:
                    logger.warning("A result came too late: its attempt was taken away")
                return

    def _run(self, attempt: Attempt, limit: float) -> Outcome:
        context = ReportingContext(attempt, self._slots, self._index)
        self._ticket = attempt.ticket
        try:
            self._armed = True
            signal.setitimer(signal.ITIMER_REAL, max(limit, 0.001))
            try:
                return run_attempt_in_process(attempt, context)
            finally:
                self._armed = False
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupted as interruption:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            return _interrupted(interruption.result, context)

    def _alarm(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._armed:
            return
        self._armed = False
        order = self._slots.given_order(self._index, self._ticket)
        if order == CANCEL:
            raise Interrupted(Result.CANCELLED)
        if order == RELEASE:
            raise Interrupted(Result.RELEASED)
        raise Interrupted(Result.TIMED_OUT)


def _interrupted(result: Result, context: AttemptContext) -> Outcome:
    failure = None
    if result is Result.TIMED_OUT:
        failure = Failure(code="timeout", message="The attempt took longer than its timeout.")
    return Outcome(result=result, failure=failure, log=context.taken_log(), began=context.began)
