"""The faults: each strikes a scene and, some seconds later, heals what it did."""

import contextlib
import itertools
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import psycopg
import redis

from jobs import fault_points
from tests.chaos.charges import Charge, Hit
from tests.chaos.servers import MAX_CONNECTIONS
from tests.chaos.stack import Scene

_numbers = itertools.count(1)
HIT_WITHIN = 3.0  # seconds


class Fault(Protocol):
    """`hold`: seconds from strike to heal. `unattended`: it may leave work that the watcher rescues."""

    hold: float
    unattended: ClassVar[bool]

    @property
    def name(self) -> str:
        """What reports call it; faults of one name count as one kind."""

    def strike(self, scene: Scene) -> bool:
        """Do it; tell whether it was done (a process that is down cannot be frozen)."""

    def heal(self, scene: Scene) -> bool:
        """Undo it; tell whether it fired."""


@dataclass(kw_only=True)
class Kill:
    """SIGKILL a process and its children; whoever supervises starts it again."""

    process: str
    hold: float
    killed_pid: int = 0
    unattended: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"kill {self.process.split('#')[0]}"

    def strike(self, scene: Scene) -> bool:
        if not scene.stack.runs(self.process):
            return False
        self.killed_pid = scene.stack.pid(self.process)
        scene.stack.kill(self.process)
        return True

    def heal(self, scene: Scene) -> bool:
        scene.stack.revive(self.process)
        return True


@dataclass(kw_only=True)
class Freeze:
    """SIGSTOP a process and its children, SIGCONT later: past its lease, a worker is a zombie."""

    process: str
    hold: float
    unattended: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"freeze {self.process.split('#')[0]}"

    def strike(self, scene: Scene) -> bool:
        if not scene.stack.runs(self.process):
            return False
        scene.stack.freeze(self.process)
        return True

    def heal(self, scene: Scene) -> bool:
        scene.stack.thaw(self.process)
        return True


@dataclass(kw_only=True)
class AtPoint:
    """Kill, stall or fail whoever reaches a fault point."""

    point: str
    action: str
    hold: float
    probability: float = 0.3
    times: int = 2
    stall: float = 3.0
    seed: int = 0
    number: int = field(default_factory=lambda: next(_numbers))
    unattended: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"{self.action} at {self.point}"

    def strike(self, scene: Scene) -> bool:
        self._lay(scene, self.probability)
        return True

    def insist(self, scene: Scene) -> None:
        """Nobody was hit: hit whoever comes next."""
        self._lay(scene, 1.0)

    def _lay(self, scene: Scene, probability: float) -> None:
        charge = Charge(
            action=self.action,
            probability=probability,
            times=self.times,
            seconds=self.stall,
            number=self.number,
            seed=self.seed,
        )
        scene.charges.lay(self.point, charge)

    def heal(self, scene: Scene) -> bool:
        scene.charges.lift(self.point)
        return any(True for _ in scene.charges.hits(self.number))


@dataclass(kw_only=True)
class Zombie:
    """Freeze a worker that is about to record results, past its lease; then it wakes and writes.

    It fired when that write was refused, which the worker's log tells: `refused` results.
    """

    hold: float
    name: str = "wake a zombie"
    process: str = ""
    refused: int = 0
    seed: int = 0
    number: int = field(default_factory=lambda: next(_numbers))
    unattended: ClassVar[bool] = True

    def strike(self, scene: Scene) -> bool:
        point = fault_points.RECORDER_BEFORE_COMMIT
        self.number = next(_numbers)
        stall = Charge(
            action="stall", probability=1, times=1, seconds=1, number=self.number, seed=self.seed
        )
        scene.charges.lay(point, stall)
        try:
            hit = _wait_for_hit(scene, self.number)
        finally:
            scene.charges.lift(point)
        process = scene.stack.name_of(hit.pid) if hit else None
        # A child of the process lane is killed by its parent as that one wakes, often before it writes.
        if process is None or "async" not in process or scene.stack.is_frozen(process):
            return False
        self.process = process
        scene.stack.freeze(process)
        return True

    def heal(self, scene: Scene) -> bool:
        before = scene.stack.refused_writes(self.process)
        scene.stack.thaw(self.process)
        until = time.monotonic() + HIT_WITHIN
        while not self.refused and time.monotonic() < until:
            time.sleep(0.05)
            self.refused = scene.stack.refused_writes(self.process) - before
        return self.refused > 0


class HarmlessAtPoint(AtPoint):
    """One that no promise allows to cost anything: nothing may have to be rescued for it."""

    unattended: ClassVar[bool] = False


@dataclass(kw_only=True)
class FlushValkey:
    """FLUSHALL."""

    hold: float = 0.0
    name: str = "flush Valkey"
    unattended: ClassVar[bool] = True

    def strike(self, scene: Scene) -> bool:
        with _valkey(scene) as client:
            client.flushall()
        return True

    def heal(self, scene: Scene) -> bool:
        return True


@dataclass(kw_only=True)
class RestartValkey:
    """SIGKILL and an empty start."""

    hold: float
    name: str = "restart Valkey"
    unattended: ClassVar[bool] = True

    def strike(self, scene: Scene) -> bool:
        if not scene.valkey.runs:
            return False
        scene.valkey.stop(signal.SIGKILL)
        return True

    def heal(self, scene: Scene) -> bool:
        scene.valkey.start()
        return True


@dataclass(kw_only=True)
class RestoreSnapshot:
    """Bring back what Valkey held `hold` seconds ago, messages that were taken meanwhile included.

    So that it holds some, the workers stand still for a moment before the picture is taken.
    """

    hold: float
    name: str = "restore an old snapshot of Valkey"
    workers: tuple[str, ...] = (
        "worker-async",
        "worker-async#2",
        "worker-process",
        "worker-process#2",
    )
    still: float = 0.8
    messages: int = 0
    kept: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    unattended: ClassVar[bool] = True

    def strike(self, scene: Scene) -> bool:
        still = [
            name
            for name in self.workers
            if scene.stack.runs(name) and not scene.stack.is_frozen(name)
        ]
        for name in still:
            scene.stack.freeze(name)
        try:
            time.sleep(self.still)
            with _valkey(scene) as client:
                keys: Any = client.keys("*")
                found: Any = {key: (client.dump(key), client.type(key)) for key in keys}
                lists = [key for key, (_, kind) in found.items() if kind == b"list"]
                self.messages = sum(int(client.llen(key)) for key in lists)
        finally:
            for name in still:
                scene.stack.thaw(name)
        self.kept = {key: value for key, (value, _) in found.items() if value is not None}
        return True

    def heal(self, scene: Scene) -> bool:
        with _valkey(scene) as client:
            # One transaction: nobody sees it empty, as nobody does while a snapshot is loaded.
            together = client.pipeline(transaction=True)
            together.flushall()
            for key, value in self.kept.items():
                together.restore(key, 0, value)
            together.execute()
        return self.messages > 0


@dataclass(kw_only=True)
class FreezeValkey:
    """SIGSTOP the server: it takes connections and answers nothing."""

    hold: float
    name: str = "freeze Valkey"
    unattended: ClassVar[bool] = True

    def strike(self, scene: Scene) -> bool:
        return scene.valkey.signal(signal.SIGSTOP)

    def heal(self, scene: Scene) -> bool:
        scene.valkey.signal(signal.SIGCONT)
        return True


@dataclass(kw_only=True)
class CutSockets:
    """Reset every connection to a server, in the middle of statements and of their answers."""

    proxy: str
    hold: float = 0.0
    unattended: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"cut sockets of {self.proxy.removeprefix('proxy-')}"

    def strike(self, scene: Scene) -> bool:
        scene.stack.signal(self.proxy, signal.SIGUSR1)
        return True

    def heal(self, scene: Scene) -> bool:
        return True


@dataclass(kw_only=True)
class SilentNetwork:
    """Nothing arrives from a server or at it, for a while."""

    proxy: str
    hold: float
    unattended: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return f"silent network before {self.proxy.removeprefix('proxy-')}"

    def strike(self, scene: Scene) -> bool:
        scene.stack.freeze(self.proxy)
        return True

    def heal(self, scene: Scene) -> bool:
        scene.stack.thaw(self.proxy)
        return True


@dataclass(kw_only=True)
class RestartPostgres:
    """Stop PostgreSQL, by its fast shutdown or by a crash (SIGQUIT), and start it again."""

    crash: bool
    hold: float
    unattended: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return "crash PostgreSQL" if self.crash else "restart PostgreSQL"

    def strike(self, scene: Scene) -> bool:
        if not scene.postgres.runs:
            return False
        scene.postgres.stop(signal.SIGQUIT if self.crash else None)
        return True

    def heal(self, scene: Scene) -> bool:
        scene.postgres.start()
        return True


@dataclass(kw_only=True)
class TerminateBackends:
    """pg_terminate_backend of everyone."""

    hold: float = 0.0
    name: str = "terminate every backend"
    unattended: ClassVar[bool] = True

    def strike(self, scene: Scene) -> bool:
        try:
            with psycopg.connect(
                scene.database_url, autocommit=True, connect_timeout=3
            ) as database:
                database.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        except psycopg.OperationalError:
            return False
        return True

    def heal(self, scene: Scene) -> bool:
        return True


@dataclass(kw_only=True)
class ExhaustConnections:
    """Take every free connection; first throw out those who have one, so that they need a new one."""

    hold: float
    name: str = "exhaust connections"
    taken: list[psycopg.Connection] = field(default_factory=list, repr=False)
    refused: bool = False
    unattended: ClassVar[bool] = True

    def strike(self, scene: Scene) -> bool:
        TerminateBackends().strike(scene)
        try:
            for _ in range(int(MAX_CONNECTIONS) + 1):
                self.taken.append(psycopg.connect(scene.database_url, connect_timeout=3))
        except psycopg.OperationalError as error:
            self.refused = "too many clients" in str(error) or "remaining" in str(error)
        return self.refused

    def heal(self, scene: Scene) -> bool:
        for connection in self.taken:
            with contextlib.suppress(psycopg.Error):
                connection.close()
        self.taken.clear()
        return self.refused


def _wait_for_hit(scene: Scene, number: int) -> Hit | None:
    until = time.monotonic() + HIT_WITHIN
    while time.monotonic() < until:
        for hit in scene.charges.hits(number):
            return hit
        time.sleep(0.02)
    return None


@contextlib.contextmanager
def _valkey(scene: Scene) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(scene.redis_url, socket_timeout=10) as client:
        yield client
