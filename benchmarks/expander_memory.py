"""Memory of a real beat and of the real worker that runs the expander."""

import os
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

from benchmarks.due import make_due, wait_until_expanded
from benchmarks.expander_shared import beat, control_worker
from benchmarks.memory import memory_mb
from benchmarks.part import Figures, say
from benchmarks.stack import process

DUE = 10_000
# Due templates are expanded in so many rounds, so that growth would show.
ROUNDS = 3
# Long enough for several ticks with nothing due.
TICKS = 5.0
TICK = "1"


def measure_memory(database: psycopg.Connection, templates: int) -> Figures:
    """Start fresh processes; return their memory when ticking idly, and after real work."""
    home = Path(os.environ["TASKFLOW_HOME"])
    due = min(DUE, templates)
    figures: Figures = {"due": due, "rounds": ROUNDS}
    with ExitStack() as stack:
        pids = {}
        for one in (beat(), control_worker()):
            environment = {"TASKFLOW_EXPANSION_TICK": TICK, **one.environment}
            log = home / f"{one.name}.log"
            child = stack.enter_context(process(one.argv(), environment, log))
            pids[one.name] = child.pid
        _expand(database, 1, templates)
        time.sleep(TICKS)
        figures["idle"] = {name: memory_mb(pid) for name, pid in pids.items()}
        figures["after"] = []
        for _ in range(ROUNDS):
            _expand(database, due, templates)
            figures["after"].append({name: memory_mb(pid) for name, pid in pids.items()})
    say(f"memory with {templates:,} templates: {figures['after'][-1]}")
    return figures


def _expand(database: psycopg.Connection, due: int, templates: int) -> None:
    """Make templates due and wait until the worker has expanded them."""
    moment = make_due(database, due, of=templates)
    wait_until_expanded(database, moment, every=0.1)
