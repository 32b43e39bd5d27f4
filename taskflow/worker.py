"""Ties a Celery worker's life to its lane: Celery's signals in, lane verbs out."""

import logging
import math
import os
import threading
from typing import Any

from billiard.process import current_process
from celery import signals
from django.conf import settings
from django.db import close_old_connections, connections

from jobs.executor.async_lane import AsyncLane
from jobs.executor.lanes import serve
from jobs.executor.process_child import ProcessChild
from jobs.executor.process_lane import ProcessLane
from jobs.handlers.registry import LANES
from taskflow.collector import OF_ATTEMPTS, OF_TICKS, spare_the_collector
from taskflow.command_lane import command_lane

logger = logging.getLogger(__name__)

# How long a stopping worker lets its attempts end by themselves, in seconds.
PATIENCE = 0.5
# How far ticks stand back behind due jobs on a busy machine (nice(2)).
POLITENESS = 10

_lane: AsyncLane | ProcessLane | None = None
_stopper: threading.Thread | None = None
_ticks = False


class WrongPool(SystemExit):
    """The worker's pool cannot serve its queue."""


@signals.celeryd_after_setup.connect
def prepare(instance: Any, **_: Any) -> None:
    """Make the lane before Celery forks: children inherit the memory they share with it."""
    global _lane, _ticks
    queues = set(instance.app.amqp.queues.consume_from)
    pool = str(getattr(instance.pool_cls, "__module__", instance.pool_cls))
    engine = settings.TASKFLOW_ENGINE
    _ticks = "control" in queues
    if len(queues & set(LANES)) > 1:
        raise WrongPool("One worker serves one lane: start one for -Q async, one for -Q process.")
    if "command" in queues:
        if "thread" not in pool or len(queues) > 1:
            raise WrongPool("The command lane has a worker of its own: -Q command -P threads.")
        _lane = command_lane(engine)
        serve(_lane)
    elif "async" in queues:
        if "thread" not in pool:
            raise WrongPool("The async lane shares one event loop: start it with -P threads.")
        _lane = AsyncLane(engine)
        serve(_lane)
    elif "process" in queues:
        if "prefork" not in pool:
            raise WrongPool("The process lane kills overrunning jobs: start it with -P prefork.")
        _lane = ProcessLane(engine, children=instance.concurrency)
    else:
        # Occurrences are planned a horizon ahead, so a late tick delays no job; jobs do not wait.
        os.nice(POLITENESS)
    if queues & set(LANES):
        bound_idle_transactions(engine.worker_lease)
    spare_the_collector(OF_TICKS if _ticks else OF_ATTEMPTS)


def bound_idle_transactions(seconds: float) -> None:
    """Have PostgreSQL end sessions of this process that do nothing in a transaction for so long.

    A worker that freezes there would keep its jobs' rows from the watcher, which waits for a lease
    only. Call it before the first connection. Poolers that refuse the parameter go without.
    """
    if settings.TASKFLOW_PREPARE_STATEMENTS:
        options = connections.settings["default"]["OPTIONS"]
        bound = f"-c idle_in_transaction_session_timeout={math.ceil(seconds * 1000)}"
        # The URL's own come last, and win.
        options["options"] = f"{bound} {options['options']}"


@signals.worker_process_init.connect
def serve_child(**_: Any) -> None:
    """In a forked child: serve the lane that the parent made."""
    if isinstance(_lane, ProcessLane):
        index = _lane.slots.free_index(getattr(current_process(), "index", 0))
        serve(ProcessChild(_lane.slots, settings.TASKFLOW_ENGINE, index=index))


@signals.task_prerun.connect
def look_at_the_connection(**_: Any) -> None:
    """Before a tick: one that was cut since the last is replaced. Lanes look after theirs."""
    if _ticks:
        close_old_connections()


@signals.worker_ready.connect
def start(**_: Any) -> None:
    """The pool runs: register, and take messages."""
    if _lane is not None:
        _lane.start()


@signals.worker_shutting_down.connect
def stop_early(**_: Any) -> None:
    """SIGTERM: hand back what runs while Celery waits for its pool.

    In a thread of its own, because Celery calls this from its signal handler.
    """
    global _stopper
    if _lane is not None and _stopper is None:
        _stopper = threading.Thread(target=_lane.stop, kwargs={"patience": PATIENCE}, daemon=True)
        _stopper.start()


@signals.worker_shutdown.connect
def stop_late(**_: Any) -> None:
    """Celery is done: wait until everything is recorded and said goodbye."""
    stop_early()
    if _stopper is not None:
        _stopper.join(30)
