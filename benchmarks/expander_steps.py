"""How long the expander's ticks take, and people's edits, in this process."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection

from benchmarks.due import make_due
from benchmarks.part import Figures, say
from benchmarks.timing import milliseconds, spread
from taskflow.collector import OF_TICKS, spare_the_collector
from templates_app import expander
from templates_app.models import Template
from templates_app.operations.templates import edit_template, pause_template, resume_template
from tenants.clock import database_now

IDLE_TICKS = 200
EDITS = 100
MINUTE = timedelta(minutes=1)
# How often so many templates are made due.
ROUNDS = {1_000: 7, 10_000: 5}
MINUTES = 3


class Steps:
    """Measures at a moment `now` at which no template is due."""

    def __init__(self, database: psycopg.Connection, now: datetime) -> None:
        self.database = database
        self.now = now
        self.templates = self._count("templates_app_template")

    def measure(self) -> Figures:
        """Return every figure of ticks and edits."""
        settle = milliseconds(self.tick, 10)
        say(f"idle ticks, first: {settle[0]:.1f} ms")
        figures: Figures = {"idle_ms": spread(milliseconds(self.tick, IDLE_TICKS))}
        figures["edit_ms"], figures["pause_ms"], figures["resume_ms"] = self._edits()
        for due, rounds in ROUNDS.items():
            if due <= self.templates:
                say(f"{due:,} due")
                figures[f"due_{due}_ms"] = self._due(due, rounds)
        figures["idle_after_ms"] = spread(milliseconds(self.tick, IDLE_TICKS))
        figures["statements"] = self._statements()
        figures["minutes"] = self._minutes()
        return figures

    def tick(self) -> int:
        """Do what beat's task does at `now`: step until nothing is due. Return the jobs made."""
        created = 0
        while True:
            database_now()
            step = expander.expand(self.now, settings.TASKFLOW_EXPANSION)
            created += step.jobs
            if not step.more:
                return created

    def _due(self, due: int, rounds: int) -> dict[str, Any]:
        spare_the_collector(OF_TICKS)  # as the control worker does; edits are other processes'
        samples = []
        for _ in range(rounds):
            make_due(self.database, due, of=self.templates, now=self.now)
            before = self._count("jobs_job")
            samples += milliseconds(self.tick, 1)
            made = self._count("jobs_job") - before
            if made != due:
                raise AssertionError(f"{due} templates were due, but {made} jobs were made")
        return {**spread(samples), "first": round(samples[0], 2)}

    def _edits(self) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        chance = random.Random(7)
        edits: list[float] = []
        pauses: list[float] = []
        resumes: list[float] = []
        for template in self._some(EDITS + 5):
            expression = f"{chance.randrange(60)} {chance.randrange(24)} * * *"
            change = {
                "recurrence": {
                    "kind": "cron",
                    "expression": expression,
                    "timezone": "Europe/Madrid",
                }
            }
            edits += milliseconds(_doing(edit_template, template, change, now=self.now), 1)
            pause = _doing(pause_template, template, {"note": "Stop."}, now=self.now, by="ada")
            pauses += milliseconds(pause, 1)
            resumes += milliseconds(_doing(resume_template, template, now=self.now), 1)
        # The first ones load code and open connections.
        return spread(edits[5:]), spread(pauses[5:]), spread(resumes[5:])

    def _statements(self) -> dict[str, int]:
        """Return how many statements one step takes, by the number of due templates."""
        found = {}
        for due in (0, 10, 100, settings.TASKFLOW_EXPANSION.batch):
            if due:
                make_due(self.database, due, of=self.templates, now=self.now)
            with _counting() as statements:
                expander.expand(self.now, settings.TASKFLOW_EXPANSION)
            found[str(due)] = len(statements)
            self.tick()
        with _counting() as statements:
            edit_template(next(self._some(1)), {"name": "Edited"}, now=self.now)
        found["edit"] = len(statements)
        return found

    def _minutes(self) -> list[dict[str, float]]:
        """Let minutes pass one by one: what falls due by itself, and how long that takes."""
        found = []
        for _ in range(MINUTES):
            self.now += MINUTE
            made = 0

            def tick() -> None:
                nonlocal made
                made += self.tick()

            (took,) = milliseconds(tick, 1)
            found.append({"jobs": made, "ms": round(took, 1)})
        return found

    def _some(self, number: int) -> Iterator[Template]:
        rows = self.database.execute(
            "SELECT id FROM templates_app_template TABLESAMPLE BERNOULLI (%s) LIMIT %s",
            [min(100.0, 300.0 * max(number, 20) / self.templates), number],
        ).fetchall()
        for row in rows:
            template_id: UUID = row[0]
            yield Template.objects.get(pk=template_id)

    def _count(self, table: str) -> int:
        row = self.database.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def _counting() -> Iterator[list[str]]:
    """Collect the statements of this process's connection."""
    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield statements


def _doing(verb: Callable[..., object], *values: Any, **named: Any) -> Callable[[], object]:
    return lambda: verb(*values, **named)
