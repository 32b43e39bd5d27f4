"""A pytest plugin: one real PostgreSQL and one real Valkey for the whole run.

Loaded with `-p tests.servers`, so that the servers' addresses are in the environment before
pytest-django reads Django's settings. TASKFLOW_TEST_DATABASE_URL and TASKFLOW_TEST_REDIS_URL name
servers to use instead; the database named there is not touched, only `test_…` beside it.
"""

import atexit
import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from taskflow.embedded.account import server_account
from taskflow.embedded.binaries import locate
from taskflow.embedded.child import spawn, stop, wait_until
from taskflow.embedded.errors import CannotStart
from taskflow.embedded.placement import FOLDER, place
from taskflow.embedded.ports import free_port
from taskflow.embedded.postgres import Postgres
from taskflow.embedded.valkey import Valkey

PREFIX = "taskflow-tests-"
SPEED = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
STALE = 3600

_running = contextlib.ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start the servers and point the environment at them, before pytest-django's own hook."""
    options = early_config.known_args_namespace
    if options.help or options.version:
        return
    atexit.register(_running.close)
    given = {name: value for name, value in os.environ.items() if name.startswith("TASKFLOW_")}
    for name in given:
        # A developer's own settings must not change what the tests see.
        del os.environ[name]
    home = _running.enter_context(temporary_home())
    os.environ["TASKFLOW_HOME"] = str(home)
    database = given.get("TASKFLOW_TEST_DATABASE_URL")
    broker = given.get("TASKFLOW_TEST_REDIS_URL")
    os.environ["TASKFLOW_DATABASE_URL"] = database or _running.enter_context(running_postgres(home))
    os.environ["TASKFLOW_REDIS_URL"] = broker or _running.enter_context(running_valkey(home))


def pytest_unconfigure() -> None:
    """Stop the servers; also reached after failures and Ctrl-C."""
    _running.close()


@contextlib.contextmanager
def temporary_home() -> Iterator[Path]:
    """Give an empty TASKFLOW_HOME that is removed afterwards, and remove what killed runs left."""
    _remove_stale()
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    # Passable, so that root's PostgreSQL, which is not root, gets to its cluster in here.
    home.chmod(0o711)
    with _lock_of(home).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield home
        finally:
            _remove(home)


@contextlib.contextmanager
def running_postgres(home: Path, settings: Mapping[str, str] = SPEED) -> Iterator[str]:
    """Run PostgreSQL in `home`, with durability off for speed unless told; give its URL."""
    account = server_account()
    placement = place(home, account)
    server = Postgres(
        folder=placement.folder,
        port=free_port(),
        password=secrets.token_urlsafe(16),
        binaries=locate(account),
        account=account,
        settings=dict(settings),
    )
    server.prepare()
    with _running_server("PostgreSQL", server, home / "postgres.log"):
        yield server.url


@contextlib.contextmanager
def running_valkey(home: Path) -> Iterator[str]:
    """Run Valkey; give its URL."""
    account = server_account()
    server = Valkey(
        port=free_port(),
        password=secrets.token_urlsafe(16),
        binaries=locate(account),
        account=account,
    )
    with _running_server("Valkey", server, home / "valkey.log"):
        yield server.url


@contextlib.contextmanager
def _running_server(name: str, server: Postgres | Valkey, log: Path) -> Iterator[None]:
    launch = server.launch()
    with log.open("wb") as output:
        process = spawn(launch, output)
    try:
        wait_until(server.answers, process, name=name, seconds=60)
    except CannotStart as error:
        stop(process, launch.stop_signal, seconds=10)
        written = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise CannotStart(f"{error}\n{written}") from error
    try:
        yield
    finally:
        stop(process, launch.stop_signal, seconds=10)


def _lock_of(home: Path) -> Path:
    return home / "lock"


def _remove(home: Path) -> None:
    cluster = home / FOLDER
    if cluster.is_symlink():
        shutil.rmtree(cluster.resolve().parent)
    shutil.rmtree(home)


def _remove_stale() -> None:
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            # Younger ones may belong to a run that has not taken its lock yet.
            if home.stat().st_uid != os.geteuid() or time.time() - home.stat().st_mtime < STALE:
                continue
            with _lock_of(home).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(home)
