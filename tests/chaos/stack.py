"""What the chaos test runs: TaskFlow's processes behind two TCP proxies, on servers of their own."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from benchmarks.stack import manage
from taskflow.embedded.child import has_ended
from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import ROOT, Definition
from tests.acceptance.stack import Stack
from tests.chaos.charges import Charges
from tests.chaos.servers import Restartable, restartable_postgres, restartable_valkey
from tests.servers import temporary_home

# Shorter than production's, so that a fault is over before the next one; the promise of 60 s stays.
LEASES = {
    "TASKFLOW_HEARTBEAT": "1",
    "TASKFLOW_WORKER_LEASE": "6",
    "TASKFLOW_QUEUE_LEASE": "12",
    "TASKFLOW_WATCH": "1",
    "TASKFLOW_DEADLINE_GRACE": "2",
    "TASKFLOW_EXPANSION_TICK": "1",
    "TASKFLOW_EXPANSION_HORIZON": "10",
    "TASKFLOW_BREAKER_PAUSE": "0.5",
    "TASKFLOW_BREAKER_LONGEST": "2",
}
WORKER_LEASE, QUEUE_LEASE = 6.0, 12.0
TARGET, PROXIES = "target", ("proxy-postgres", "proxy-valkey")
PROCESSES = (
    "api",
    *("populator", "populator#2"),
    *("beat", "beat#2"),
    *("worker-async", "worker-async#2"),
    *("worker-process", "worker-process#2"),
    *("worker-control", "worker-control#2"),
)
PLUGIN = ROOT / "tests" / "chaos" / "plugin"
_TOO_LATE = re.compile(r"(\d+|A) results? came too late")


class ChaosStack(Stack):
    """The acceptance tests' stack, with proxies, a target with a ledger, and processes to freeze."""

    def __init__(
        self, database_url: str, redis_url: str, folder: Path, environment: Mapping[str, str]
    ) -> None:
        ports = {name: free_port() for name in PROXIES}
        target = free_port()
        super().__init__(
            _on_port(database_url, ports["proxy-postgres"]),
            _on_port(redis_url, ports["proxy-valkey"]),
            folder,
            **LEASES,
            **environment,
        )
        self.target_url = f"http://127.0.0.1:{target}"
        self.ledger = folder / "ledger.jsonl"
        self._environment["CHAOS_LEDGER"] = str(self.ledger)
        for name, url in zip(PROXIES, (database_url, redis_url), strict=True):
            words = (str(ports[name]), str(urlsplit(url).port))
            self._table[name] = Definition(name=name, command=("tests.chaos.proxy", *words))
        words = (str(target), str(self.ledger))
        self._table[TARGET] = Definition(name=TARGET, command=("tests.chaos.target", *words))
        self._frozen: set[str] = set()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        os.kill(self.pid(name), number)

    def freeze(self, name: str) -> None:
        """Stop the process and its children where they are."""
        os.killpg(self.pid(name), signal.SIGSTOP)
        self._frozen.add(name)

    def thaw(self, name: str) -> None:
        """Let them go on."""
        self._frozen.discard(name)
        with contextlib.suppress(ProcessLookupError, KeyError):
            os.killpg(self.pid(name), signal.SIGCONT)

    def runs(self, name: str) -> bool:
        """Tell whether the process was started and has not ended."""
        return name in self._processes and not has_ended(self._processes[name])

    def is_frozen(self, name: str) -> bool:
        """Tell whether the process is stopped."""
        return name in self._frozen

    def revive(self, name: str) -> None:
        """Have the process run, whatever became of the one before."""
        if name in self._processes and has_ended(self._processes[name]):
            self.kill(name)
        if name not in self._processes:
            self.start(name)
        self.thaw(name)

    def name_of(self, pid: int) -> str | None:
        """Return whose process, or whose child, that is."""
        with contextlib.suppress(ProcessLookupError):
            group = os.getpgid(pid)
            for name, process in self._processes.items():
                if process.pid == group:
                    return name
        return None

    def refused_writes(self, name: str) -> int:
        """Return how many results of a worker its tickets refused, by its own words."""
        found = _TOO_LATE.findall(self.log(name))
        return sum(1 if number == "A" else int(number) for number in found)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that faults are done to. `database_url` leads past the proxy."""

    folder: Path
    database_url: str
    redis_url: str
    postgres: Restartable
    valkey: Restartable
    stack: ChaosStack
    charges: Charges
    environment: Mapping[str, str]


@contextlib.contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Run the servers with a migrated database; no process of TaskFlow yet. Logs go to `folder`."""
    (folder / "fault-points").mkdir(parents=True)
    with (
        temporary_home() as home,
        restartable_postgres(home) as postgres,
        restartable_valkey(home) as valkey,
    ):
        database_url, redis_url = postgres.server.url, valkey.server.url
        environment = {
            "TASKFLOW_HOME": str(home),
            "TASKFLOW_HTTP_ALLOW_NETWORKS": "127.0.0.0/8",
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "TASKFLOW_FAULT_POINTS": str(folder / "fault-points"),
            # The root, since a worker's first path is not the folder that it was started in.
            "PYTHONPATH": f"{PLUGIN}:{ROOT}",
        }
        direct = {"TASKFLOW_DATABASE_URL": database_url, "TASKFLOW_REDIS_URL": redis_url}
        manage({**environment, **direct}, "migrate", "-v", "0")
        stack = ChaosStack(database_url, redis_url, folder, environment)
        try:
            yield Scene(
                folder=folder,
                database_url=database_url,
                redis_url=redis_url,
                postgres=postgres,
                valkey=valkey,
                stack=stack,
                charges=Charges(folder / "fault-points"),
                environment={**environment, **direct},
            )
        finally:
            stack.close()


def _on_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))
