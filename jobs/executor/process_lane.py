"""The process lane: one attempt at a time in each of Celery's prefork children.

The parent (this class) keeps the heartbeat, kills children that overran, and ends the attempts of
children that died, so a crash costs its own job one attempt and its neighbours nothing.
"""

import contextlib
import logging
import os
import signal
import threading
import time
from dataclasses import replace
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from jobs import lifecycle
from jobs.engine import Engine
from jobs.executor.identity import Duties, Identity
from jobs.executor.measures import RunTimes
from jobs.executor.slots import CANCEL, NONE, RELEASE, Occupied, Slots
from jobs.outcomes import Failure, Outcome, Result
from jobs.verdict import WORKER_LOST, verdict

logger = logging.getLogger(__name__)

# Between the polite alarm in the child and the kill by the parent.
KILL_AFTER = 2.0


class ProcessLane:
    """The parent's side. Make it before Celery forks; `start` in the parent, `stop` once."""

    def __init__(self, engine: Engine, *, children: int) -> None:
        self.engine = engine
        self.slots = Slots(children)
        self.run_times = RunTimes()
        self.identity = Identity(
            lane="process",
            capacity=children,
            engine=engine,
            run_times=self.run_times,
            duties=Duties(
                stop=self._stop_attempts,
                abandon=self._abandon,
                progress=self._progress,
                inspect=self._inspect,
                knows=self._knows,
                left=self._left,
                claim_as=self.slots.claim_as,
            ),
        )
        self._shown: dict[int, tuple[int, str]] = {}  # by ticket
        self._lock = threading.Lock()

    def start(self) -> None:
        """Register and begin to watch over the children."""
        self.identity.start()

    def stop(self, *, patience: float) -> None:
        """Let attempts end for `patience` seconds, hand back the rest uncounted, say goodbye."""
        self.slots.stop()
        self._wait_until_idle(patience)
        for slot in self.slots.occupied():
            self._order(slot, RELEASE)
        self._wait_until_idle(KILL_AFTER)
        for slot in self.slots.occupied():
            self._end(slot, kill=True)
        self.identity.stop(timeout=5.0)

    def _wait_until_idle(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.slots.occupied() and time.monotonic() < until:
            time.sleep(0.02)

    # -- duties, on the heartbeat's thread -----------------------------------------------------

    def _inspect(self) -> None:
        self.run_times.finished = self.slots.finished()
        for slot in self.slots.occupied():
            if not _is_alive(slot.pid):
                self._end(slot, kill=False)
            elif time.monotonic() > slot.deadline + KILL_AFTER:
                self._end(slot, kill=True)

    def _progress(self) -> list[tuple[UUID, int, int, str]]:
        found = {slot: self.slots.progress(slot) for slot in self.slots.occupied()}
        latest = {slot.ticket: report for slot, report in found.items() if report is not None}
        reports = [
            (slot.job_id, slot.ticket, *latest[slot.ticket])
            for slot in found
            if slot.ticket in latest and latest[slot.ticket] != self._shown.get(slot.ticket)
        ]
        self._shown = latest
        return reports

    def _knows(self, key: tuple[UUID, int]) -> bool:
        return any((slot.job_id, slot.ticket) == key for slot in self.slots.occupied())

    def _left(self) -> dict[tuple[UUID, int], float]:
        now = time.monotonic()
        return {
            (slot.job_id, slot.ticket): slot.deadline - now
            for slot in self.slots.occupied()
            if slot.deadline > now and not slot.claims
        }

    def _stop_attempts(self, keys: tuple[tuple[UUID, int], ...]) -> None:
        wanted = set(keys)
        for slot in self.slots.occupied():
            if (slot.job_id, slot.ticket) in wanted and not slot.claims:
                if self.slots.given_order(slot.index, slot.ticket) == NONE:
                    self._order(slot, CANCEL)
                else:
                    # It was asked a heartbeat ago and did not listen.
                    self._end(slot, kill=True)

    def _abandon(self) -> None:
        # After `claim_as`: a child that claims now looks at who it is before it begins.
        for slot in self.slots.occupied():
            if not slot.claims:
                _kill(slot.pid)
                self.slots.vacate(slot.index)

    def _order(self, slot: Occupied, order: int) -> None:
        self.slots.order(slot, order)
        with contextlib.suppress(ProcessLookupError):
            os.kill(slot.pid, signal.SIGALRM)

    def _end(self, slot: Occupied, *, kill: bool) -> None:
        """Record the attempt of a child that died, or that we kill because it does not stop."""
        with self._lock:
            # The database took its time with the slot before; this child may be a job further.
            if not self.slots.still(slot):
                return
            if kill:
                _kill(slot.pid)
            outcome = replace(self._outcome_of(slot, killed=kill), log=self.slots.lines(slot))
            try:
                attempts = lifecycle.find_running([(slot.job_id, slot.ticket)])
                lifecycle.finish(
                    [verdict(a, outcome, poison_losses=self.engine.poison_losses) for a in attempts]
                )
            except (DatabaseError, InterfaceError) as error:
                logger.warning(
                    "Cannot record a dead child's attempt yet (%s)", type(error).__name__
                )
                connection.close()
                return
            logger.warning("Job %s: its process ended (%s)", slot.job_id, outcome.result)
            if self.slots.still(slot):
                self.slots.vacate(slot.index)

    def _outcome_of(self, slot: Occupied, *, killed: bool) -> Outcome:
        order = self.slots.given_order(slot.index, slot.ticket)
        if order == RELEASE:
            return Outcome(result=Result.RELEASED)
        if order == CANCEL:
            return Outcome(result=Result.CANCELLED)
        if killed or time.monotonic() > slot.deadline:
            return Outcome(
                result=Result.TIMED_OUT,
                failure=Failure(
                    code="timeout", message="The attempt overran its timeout and was killed."
                ),
            )
        return Outcome(result=Result.LOST, failure=WORKER_LOST)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
