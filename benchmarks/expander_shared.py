"""What the real control worker needs for due templates: a tick, and the process that shares it."""

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import psycopg

from benchmarks.due import make_due, wait_until_expanded
from benchmarks.part import Figures, say
from benchmarks.stack import process
from benchmarks.timing import milliseconds, spread
from taskflow.celery import app
from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import Definition, Ports, definitions

# How often so many templates are made due; the first rounds fill the processes' caches.
ROUNDS = {1_000: 7, 10_000: 7}
WARM = 2
# Seconds between two looks whether all is expanded: each meets the dead entries of what is, and at ten
# times the rate it took a third of a core from the expanders.
EVERY = 0.1


def control_worker() -> Definition:
    """Return the control worker as `make up` starts it."""
    return _table()["worker-control"]


def beat() -> Definition:
    """Return beat as `make up` starts it."""
    return _table()["beat"]


def measure_shared(database: psycopg.Connection, templates: int) -> Figures:
    """Send ticks to a real worker; return how long it takes until nothing is due any more."""
    worker = control_worker()
    log = Path(os.environ["TASKFLOW_HOME"]) / "shared.log"
    figures: Figures = {}
    with ExitStack() as stack:
        # Long enough that one tick takes all.
        environment = {"TASKFLOW_EXPANSION_TICK": "60", **worker.environment}
        stack.enter_context(process(worker.argv(), environment, log))
        for due, rounds in ROUNDS.items():
            if due > templates:
                continue
            samples = [_expanded(database, due, templates) for _ in range(rounds)]
            say(f"{due:,} due, shared: {[round(one) for one in samples]}")
            figures[f"shared_{due}_ms"] = spread(samples[WARM:])
    return figures


def _expanded(database: psycopg.Connection, due: int, templates: int) -> float:
    moment = make_due(database, due, of=templates)

    def tick() -> None:
        app.send_task("templates.expand", queue="control")
        wait_until_expanded(database, moment, every=EVERY)

    (took,) = milliseconds(tick, 1)
    # A tick that found nothing more to do is over soon; the next round must not meet it.
    time.sleep(0.5)
    return took


def _table() -> Mapping[str, Definition]:
    ports = Ports(api=free_port(), flower=free_port(), echo=free_port())
    return {one.name: one for one in definitions(ports, flower_login="a:b")}
