"""`manage.py populate`: the populator's loop. Start as many as you like; one leads."""

import logging
import signal
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.flow_shares import Reach
from jobs.pace import Pace
from jobs.publishing import BrokerUnavailable, broker_incarnation, wait_for_wake
from tenants.clock import database_now

logger = logging.getLogger(__name__)

STANDBY = 1.0
# While lanes are full, look again this soon: a fraction of what lies in the broker (jobs.pace.DEPTH).
FULL = 0.04
AFTER_ERROR = 0.5


class Command(BaseCommand):
    # The api process checks the whole project; this one starts in half the time.
    requires_system_checks: list[str] = []
    help = "Hand due jobs to the broker, at the exact moment. One leads, others stand by."

    def handle(self, *_args: Any, **_options: Any) -> None:
        stopping = threading.Event()
        # The lock lives as long as its session, so the session must end when it is closed: no pool.
        connection.settings_dict["OPTIONS"]["pool"] = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        PopulatorLoop(settings.TASKFLOW_ENGINE, stopping).run()


class PopulatorLoop:
    """Lead or stand by until told to stop."""

    def __init__(self, engine: Engine, stopping: threading.Event) -> None:
        self._engine = engine
        self._stopping = stopping
        self._incarnation: str | None = None
        self._ask_again = 0.0
        self._patience = FULL
        self._pace = Pace()
        self._reach = Reach()

    def run(self) -> None:
        """Return when `stopping` is set; errors of database and broker are waited out."""
        leading = False
        while not self._stopping.is_set():
            try:
                if not leading:
                    leading = populator.try_to_lead()
                    if not leading:
                        self._stopping.wait(STANDBY)
                        continue
                    logger.info("This populator leads")
                self._lead_once()
            except (OperationalError, InterfaceError) as error:
                # The lock went with the connection; another one may lead by now.
                logger.warning("The database is away (%s)", type(error).__name__)
                leading = False
                connection.close()
                self._stopping.wait(AFTER_ERROR)
        connection.close()

    def _lead_once(self) -> None:
        self._requeue_what_the_broker_forgot()
        now = database_now()
        result = populator.populate(now, self._engine, self._pace, self._reach)
        # Full of long jobs, there is ever less reason to look again at once.
        self._patience = FULL if result.queued else min(self._patience * 2, self._engine.poll)
        if result.refused:
            self._stopping.wait(AFTER_ERROR)
        elif result.full:
            self._stopping.wait(self._patience)
        elif not result.more:
            wait_for_wake(self._until_next(now))

    def _until_next(self, seen: datetime) -> float:
        """Return the seconds until the next job is due, at most the poll interval.

        `seen` is the moment up to which due jobs were taken: one that fell due since counts.
        """
        upcoming = populator.next_due(seen)
        poll = timedelta(seconds=self._engine.poll)
        wait = poll if upcoming is None else min(poll, upcoming - database_now())
        return max(wait.total_seconds(), 0.0)

    def _requeue_what_the_broker_forgot(self) -> None:
        # Not with each step: a new job waits for the answer.
        if time.monotonic() < self._ask_again:
            return
        self._ask_again = time.monotonic() + self._engine.poll
        try:
            incarnation = broker_incarnation()
        except BrokerUnavailable:
            return
        known, self._incarnation = self._incarnation, incarnation
        if known is None or known == incarnation:
            return
        logger.warning("The broker lost its memory; queued jobs are scheduled again")
        # Every lease ends before then, so every queued job is taken back.
        horizon = database_now() + timedelta(seconds=self._engine.queue_lease * 2)
        while lifecycle.requeue_lost_messages(before=horizon, limit=self._engine.step_limit):
            continue
