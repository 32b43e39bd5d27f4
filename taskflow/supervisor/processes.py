"""The one table of TaskFlow's processes; docker-compose.yml is tested against it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from taskflow.embedded.ports import LOOPBACK

ROOT = Path(__file__).resolve().parent.parent.parent
# No banners (-q), and no chatter between workers that nobody listens to; -E feeds Flower.
WORKER = ("celery", "-A", "taskflow", "-q", "worker", "--without-gossip", "--without-mingle", "-E")
# The locks of a connection pool do not survive a worker's forks.
UNPOOLED = {"TASKFLOW_DATABASE_POOL": "0"}

# Started only where commands are allowed and their sandbox holds.
COMMANDS = "worker-command"

# Who starts no new work goes first; the servers outlive everybody who needs them.
STOP_STAGES: tuple[tuple[str, ...], ...] = (
    ("flower", "beat", "populator"),
    ("api",),
    ("worker-async", "worker-process", "worker-command", "worker-control"),
    ("echo",),
    ("valkey",),
    ("postgres",),
)
STOP_SECONDS: Mapping[str, float] = {
    "worker-async": 15.0,
    "worker-process": 15.0,
    "worker-command": 15.0,
    "worker-control": 15.0,
    "postgres": 20.0,
}
STOP_SECONDS_DEFAULT = 8.0


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports of 127.0.0.1 that our own processes listen on."""

    api: int
    flower: int
    echo: int


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One process. The first word of `command` is `manage.py`, `celery` or `gunicorn`."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def argv(self) -> list[str]:
        """Return the command for this installation's interpreter."""
        program, *arguments = self.command
        if program == "manage.py":
            return [sys.executable, str(ROOT / "manage.py"), *arguments]
        return [sys.executable, "-m", program, *arguments]


def definitions(ports: Ports, *, flower_login: str) -> list[Definition]:
    """Return the processes in the order they are started. `flower_login` is `user:password`."""
    serve = ("gunicorn", "taskflow.wsgi", "--worker-class", "gthread", "--no-control-socket")
    beat = ("celery", "-A", "taskflow", "-q", "beat", "--pidfile=")
    flower = (
        "celery",
        "-A",
        "taskflow",
        "-q",
        "flower",
        "--logging=warning",
        f"--address={LOOPBACK}",
    )
    return [
        Definition(name="echo", command=("manage.py", "echo_target", "--port", str(ports.echo))),
        Definition(
            name="api",
            command=(
                *serve,
                "--bind",
                f"{LOOPBACK}:{ports.api}",
                "--workers",
                "2",
                "--threads",
                "4",
            ),
        ),
        Definition(name="populator", command=("manage.py", "populate")),
        Definition(name="worker-async", command=_worker("async", pool="threads", slots=4)),
        Definition(
            name="worker-process",
            command=_worker("process", pool="prefork", slots=2),
            environment=UNPOOLED,
        ),
        Definition(name=COMMANDS, command=_worker("command", pool="threads", slots=2)),
        Definition(
            # The watcher's tick, the expander's, and whoever shares that one's work on a second core.
            name="worker-control",
            command=_worker("control", pool="prefork", slots=3),
            environment=UNPOOLED,
        ),
        Definition(name="beat", command=beat),
        Definition(
            name="flower",
            command=(*flower, f"--port={ports.flower}"),
            # Not an argument: every user of the machine sees those.
            environment={"FLOWER_BASIC_AUTH": flower_login},
        ),
    ]


def _worker(lane: str, *, pool: str, slots: int) -> tuple[str, ...]:
    return (*WORKER, "-Q", lane, "-P", pool, "-c", str(slots), "-n", f"{lane}@%h")
