"""One run: start, measure, be calm, strike by the schedule, heal, drain, hear the witnesses."""

import contextlib
import heapq
import http.client
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from taskflow.embedded.errors import CannotStart
from tests.chaos.client_log import LogWriter
from tests.chaos.faults import AtPoint, Fault, Kill, Zombie
from tests.chaos.ledger import read_calls
from tests.chaos.load import Load
from tests.chaos.orders import MERCHANTS, Orders
from tests.chaos.schedule import Strike
from tests.chaos.stack import PROCESSES, PROXIES, TARGET, Scene, scene
from tests.chaos.witnesses import NOTES, Killed, Witnesses, read_database

BURST = 300  # jobs that the capacity is measured by
MEASURED_BY = 0.8  # of them
CALM = 8.0
MOST_RATE = 150.0
LEAST_RATE = 5.0
PATIENCE = 20.0  # seconds in which a fault that cannot strike, or heal, is tried again
SUPERVISED = 1.0  # seconds after which whoever died by itself is started again
SETTLE = 60.0  # seconds for producers to hear their last answers
DRAIN = 150.0
READY = 180.0
TICK = 0.05
FROZEN = 2.0  # seconds that no tick takes unless this process was stopped


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done. `rate`: jobs a second; None, half of what is measured."""

    seconds: float
    seed: int
    strikes: Sequence[Strike]
    processes: tuple[str, ...] = PROCESSES
    rate: float | None = None
    # Jobs that the capacity is measured by; 0 measures nothing.
    burst: int = BURST
    calm: float = CALM
    drain: float = DRAIN
    # Statements for the chaos's own database before anything runs.
    prepare: str = ""
    # What merchants ask for.
    stream: type[Orders] = Orders
    templates: bool = True


@dataclass(kw_only=True)
class Told:
    """What a run came to, beside what its witnesses saw."""

    seen: Witnesses = field(default_factory=Witnesses)
    capacity: float = 0.0
    rate: float = 0.0
    # Kind of fault -> how often it fired.
    fired: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    revived: list[str] = field(default_factory=list)
    refused_writes: int = 0
    drained: bool = False
    drain_seconds: float = 0.0
    chaos_seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def run(plan: Plan, folder: Path) -> Told:
    """Do it, with logs in `folder`. Django's settings must not be loaded yet in this process."""
    # So that whoever is asked to end takes the servers and processes along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with scene(folder) as place:
        return _Run(plan, place).go()


class _Run:
    def __init__(self, plan: Plan, place: Scene) -> None:
        self._plan = plan
        self._scene = place
        self._stack = place.stack
        self._told = Told()
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Callable[[], bool], str, float]] = []
        self._until_chaos_ends = 0.0
        self._down: set[str] = set()
        self._gone: dict[str, float] = {}
        self._killed: list[Killed] = []

    def go(self) -> Told:
        writer = LogWriter(self._scene.folder / "client.jsonl")
        self._prepare()
        self._stack.start(TARGET, *PROXIES, *self._plan.processes)
        keys = self._open_merchants(writer)
        target = self._stack.target_url
        streams = [self._plan.stream(one, target, self._plan.seed) for one in range(MERCHANTS)]
        load = Load(self._stack.api_url, target, keys, writer, streams)
        self._wait_ready()
        begin = time.time()
        self._measure(load)
        if self._plan.templates:
            load.plan()
        load.pace(self._told.rate)
        load.start()
        say(f"calm for {self._plan.calm:g} s, at {self._told.rate:.0f} jobs/s")
        self._pass(self._plan.calm)
        calm_until = time.time()
        self._strike_all(calm_until)
        self._heal()
        self._settle(load)
        self._drain()
        if not any(strike.fault.unattended for strike in self._plan.strikes):
            calm_until = time.time()
        self._told.seen.calm = [(begin, calm_until)]
        with contextlib.suppress(AssertionError):
            load.look_for_foreign_jobs()
        if load.failure is not None:
            self._told.problems.append(f"the load failed: {load.failure!r}")
        writer.close()
        self._hear(writer)
        return self._told

    # -- before --------------------------------------------------------------------------------

    def _prepare(self) -> None:
        with psycopg.connect(self._scene.database_url, autocommit=True) as database:
            database.execute(NOTES)
            if self._plan.prepare:
                database.execute(self._plan.prepare.encode())

    def _open_merchants(self, writer: LogWriter) -> dict[str, str]:
        os.environ.update(self._scene.environment)
        # Only the processes have fault points.
        del os.environ["TASKFLOW_FAULT_POINTS"]
        import django
        from django.db import connection

        django.setup()
        from tests.chaos.merchants import open_merchants

        opened = list(open_merchants())
        connection.close()
        writer.log.merchants = {one.merchant_id: one.label for one in opened}
        return {one.label: one.key for one in opened}

    def _wait_ready(self) -> None:
        workers = sum(
            name.split("#")[0] in {"worker-async", "worker-process"}
            for name in self._plan.processes
        )
        self._until(lambda: self._answers(), "the API answers", READY)
        alive = "SELECT count(*) FROM jobs_worker WHERE state = 'alive' AND lane <> 'control'"
        self._until(lambda: self._count(alive) >= workers, "the workers register", READY)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            api = http.client.HTTPConnection(urlsplit(self._stack.api_url).netloc, timeout=2)
            with contextlib.closing(api):
                api.request("GET", "/health/live")
                return api.getresponse().status == 200
        return False

    def _measure(self, load: Load) -> None:
        """Measure what the machine can do now, by a burst of the mix."""
        if not self._plan.burst:
            self._told.rate = self._plan.rate or LEAST_RATE
            return
        begin = time.monotonic()
        load.burst(self._plan.burst)
        enough = MEASURED_BY * self._plan.burst
        done = "SELECT count(*) FROM jobs_job WHERE finalized_at IS NOT NULL"
        self._until(lambda: self._count(done) >= enough, "the burst is done", 120)
        self._told.capacity = self._count(done) / (time.monotonic() - begin)
        half = min(MOST_RATE, max(LEAST_RATE, self._told.capacity / 2))
        self._told.rate = half if self._plan.rate is None else self._plan.rate
        say(f"capacity about {self._told.capacity:.0f} jobs/s")

    # -- chaos ---------------------------------------------------------------------------------

    def _strike_all(self, begin: float) -> None:
        started = time.monotonic()
        for strike in self._plan.strikes:
            self._at(started + strike.at, self._striking(strike.fault), strike.fault.name)
        self._until_chaos_ends = started + self._plan.seconds
        while time.monotonic() < self._until_chaos_ends:
            self._tick()
        self._told.chaos_seconds = time.time() - begin

    def _pass(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._tick()

    def _tick(self) -> None:
        self._sleep()
        self._supervise()
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, act, name, until = heapq.heappop(self._due)
            try:
                done = act()
            except (redis.RedisError, psycopg.Error, CannotStart, OSError) as error:
                say(f"{name}: {error}")
                done = False
            if not done:
                if time.monotonic() < until:
                    again = time.monotonic() + 0.5
                    heapq.heappush(self._due, (again, next(self._numbers), act, name, until))
                else:
                    self._told.missed.append(name)

    def _sleep(self) -> None:
        """Sleep; when somebody froze this process meanwhile, the schedule goes on where it stood."""
        began, at = time.monotonic(), time.time()
        time.sleep(TICK)
        passed = time.monotonic() - began
        if passed > FROZEN:
            self._told.seen.paused.append((at, time.time()))
            self._until_chaos_ends += passed
            self._due = [
                (moment + passed, number, act, name, until + passed)
                for moment, number, act, name, until in self._due
            ]

    def _at(self, moment: float, act: Callable[[], bool], name: str) -> None:
        entry = (moment, next(self._numbers), act, name, moment + PATIENCE)
        heapq.heappush(self._due, entry)

    def _striking(self, fault: Fault) -> Callable[[], bool]:
        def strike() -> bool:
            struck = time.time()
            if not fault.strike(self._scene):
                return False
            say(f"{fault.name}, {fault.hold:.1f} s")
            if isinstance(fault, Kill):
                self._down.add(fault.process)
                self._killed.append(Killed(pid=fault.killed_pid, at=struck))
            self._at(time.monotonic() + fault.hold, self._healing(fault), f"heal: {fault.name}")
            return True

        return strike

    def _healing(self, fault: Fault) -> Callable[[], bool]:
        patient_until = time.monotonic() + fault.hold + PATIENCE * 0.8

        def heal() -> bool:
            fired = fault.heal(self._scene)
            if not fired and isinstance(fault, AtPoint) and time.monotonic() < patient_until:
                fault.insist(self._scene)
                return False
            if isinstance(fault, Kill):
                self._down.discard(fault.process)
            if isinstance(fault, Zombie):
                self._told.refused_writes += fault.refused
            if isinstance(fault, AtPoint):
                hits = self._scene.charges.hits(fault.number)
                self._killed += [
                    Killed(pid=hit.pid, at=hit.at) for hit in hits if hit.action == "kill"
                ]
            if fired:
                self._told.fired[fault.name] = self._told.fired.get(fault.name, 0) + 1
            else:
                self._told.missed.append(fault.name)
            return True

        return heal

    def _supervise(self) -> None:
        """Start again whoever died by itself, as a supervisor does."""
        for name in (TARGET, *PROXIES, *self._plan.processes):
            if self._stack.runs(name) or name in self._down:
                self._gone.pop(name, None)
            elif time.monotonic() - self._gone.setdefault(name, time.monotonic()) > SUPERVISED:
                self._told.revived.append(name)
                self._stack.revive(name)

    # -- after ---------------------------------------------------------------------------------

    def _heal(self) -> None:
        say("healing")
        self._due = [entry for entry in self._due if entry[3].startswith("heal: ")]
        now = time.monotonic()
        self._due = [(now, number, act, name, now + 60) for _, number, act, name, _ in self._due]
        heapq.heapify(self._due)
        while self._due:
            self._tick()
        for name in (*PROXIES, *self._plan.processes):
            self._stack.revive(name)

    def _settle(self, load: Load) -> None:
        self._until_supervised(lambda: self._answers(), SETTLE)
        load.unplan()
        load.stop(within=SETTLE)

    def _drain(self) -> None:
        say("draining")
        begin = time.monotonic()
        undone = """
            SELECT count(*) FROM jobs_job
             WHERE finalized_at IS NULL
               AND (template_id IS NULL OR scheduled_at <= now() OR status <> 'scheduled')
        """
        self._told.drained = self._until_supervised(
            lambda: self._count(undone) == 0, self._plan.drain
        )
        self._told.drain_seconds = time.monotonic() - begin

    def _hear(self, writer: LogWriter) -> None:
        seen = self._told.seen
        seen.client = writer.log
        seen.calls = read_calls(self._stack.ledger)
        seen.killed = self._killed
        read_database(self._scene.database_url, seen)

    # -- waiting -------------------------------------------------------------------------------

    def _count(self, statement: str) -> int:
        try:
            with psycopg.connect(self._scene.database_url, connect_timeout=3) as database:
                row = database.execute(statement.encode()).fetchone()
        except psycopg.OperationalError:
            return -1
        assert row is not None
        return int(row[0])

    def _until(self, condition: Callable[[], bool], what: str, within: float) -> None:
        if not self._until_supervised(condition, within):
            raise TimeoutError(f"not within {within:g} s: {what}")

    def _until_supervised(self, condition: Callable[[], bool], within: float) -> bool:
        until = time.monotonic() + within
        while not condition():
            if time.monotonic() > until:
                return False
            time.sleep(0.2)
            self._supervise()
        return True


def say(text: str) -> None:
    """Tell whoever waits how far it is; Django's settings have taken the loggers."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
