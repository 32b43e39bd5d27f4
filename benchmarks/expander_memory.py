"""Memory of a real beat and of the real worker that runs the expander."""

import os
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

from benchmarks.due import make_due
from benchmarks.memory import memory_mb
from benchmarks.part import Figures, say
from benchmarks.stack import process, wait_for
from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import Ports, definitions

NAMES = ("beat", "worker-control")
DUE = 10_000
# Due templates are expanded in so many rounds, so that growth would show.
ROUNDS = 3
# Long enough for several ticks with nothing due.
TICKS = 5.0
TICK = "1"
STILL_DUE = """
SELECT EXISTS (SELECT FROM templates_app_template WHERE next_expansion_at <= clock_timestamp())
"""


def measure_memory(database: psycopg.Connection, templates: int) -> Figures:
    """Start fresh processes; return their memory when ticking idly, and after real work."""
    table = {d.name: d for d in definitions(_ports(), flower_login="a:b")}
    home = Path(os.environ["TASKFLOW_HOME"])
    due = min(DUE, templates)
    figures: Figures = {"due": due, "rounds": ROUNDS}
    with ExitStack() as stack:
        pids = {}
        for name in NAMES:
            environment = {"TASKFLOW_EXPANSION_TICK": TICK, **table[name].environment}
            child = stack.enter_context(
                process(table[name].argv(), environment, home / f"{name}.log")
            )
            pids[name] = child.pid
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
    make_due(database, due, of=templates)
    wait_for(lambda: not _is_due(database), every=0.1)


def _is_due(database: psycopg.Connection) -> bool:
    row = database.execute(STILL_DUE).fetchone()
    assert row is not None
    return bool(row[0])


def _ports() -> Ports:
    return Ports(api=free_port(), flower=free_port(), echo=free_port())
