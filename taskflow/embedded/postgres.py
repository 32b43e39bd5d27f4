"""An embedded PostgreSQL: one cluster in one folder, on a port of 127.0.0.1, with a password."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import psycopg
from psycopg import sql

from taskflow.embedded.account import Account
from taskflow.embedded.binaries import Binaries
from taskflow.embedded.child import Launch
from taskflow.embedded.errors import CannotStart
from taskflow.embedded.ports import LOOPBACK

USER = DATABASE = "taskflow"
SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "log_line_prefix": "",
        # A tick of ten thousand templates touches as many pages: with the default a checkpoint, and
        # the full page images after it, come every few ticks.
        "max_wal_size": "2GB",
    }
)


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """One cluster: `folder` belongs to `account`; `settings` come on top of SETTINGS."""

    folder: Path
    port: int
    password: str = field(repr=False)
    binaries: Binaries
    account: Account | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The database that TaskFlow uses, with the password in it."""
        return f"postgresql://{USER}:{self.password}@{LOOPBACK}:{self.port}/{DATABASE}"

    def prepare(self) -> None:
        """Make the cluster unless it exists, and end a server that an earlier owner left behind.

        Call it while holding the home's lock. Raises CannotStart.
        """
        if self.data.exists():
            self._end_leftover()
        else:
            self._create()

    def launch(self) -> Launch:
        """Return how to start the server. Its stop is the fast shutdown: sessions are ended."""
        chosen = {**SETTINGS, **_for_this_machine(), "port": str(self.port), **self.settings}
        options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        return Launch(
            argv=[str(self.binaries.postgres), "-D", str(self.data), *options],
            env=_plain_environment(),
            account=self.account,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )

    def answers(self) -> bool:
        """Return whether the server takes connections, making TaskFlow's database on the way.

        Raises CannotStart when it takes them but refuses the password.
        """
        if not self._reports_ready():
            # Trying to connect all the same would fill the log with refusals.
            return False
        try:
            with psycopg.connect(self._maintenance_dsn(), autocommit=True) as connection:
                known = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
                )
                if known.fetchone() is None:
                    create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE))
                    connection.execute(create)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise CannotStart(
                    f"The PostgreSQL in {self.folder} has another password than the one in the "
                    "home. Restore the home's files, or remove both to start afresh."
                ) from None
            return False
        return True

    def _reports_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        # The eighth line is the state (PostgreSQL's pidfile.h).
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _maintenance_dsn(self) -> str:
        return psycopg.conninfo.make_conninfo(
            host=LOOPBACK,
            port=self.port,
            user=USER,
            password=self.password,
            dbname="postgres",
            connect_timeout=2,
        )

    def _create(self) -> None:
        # Made aside and renamed, so that a start cut off half-way leaves no half cluster.
        draft = self.folder / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        with self._password_file() as path:
            self._run_initdb(draft, path)
        draft.rename(self.data)

    def _run_initdb(self, folder: Path, password_file: str) -> None:
        arguments = [
            *("--pgdata", str(folder), "--username", USER, "--pwfile", password_file),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        ]
        if self.settings.get("fsync") == "off":
            arguments.append("--no-sync")
        account = self.account
        made = subprocess.run(  # noqa: S603 - our own words
            [str(self.binaries.initdb), *arguments],
            env=_plain_environment(),
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise CannotStart(f"initdb failed in {self.folder}:\n{made.stderr.strip()}")

    @contextlib.contextmanager
    def _password_file(self) -> Iterator[str]:
        # A pipe of root's cannot be opened again by the account that initdb runs as.
        with tempfile.NamedTemporaryFile("w", dir=self.folder, prefix="initdb-") as file:
            file.write(self.password + "\n")
            file.flush()
            if self.account is not None:
                os.fchown(file.fileno(), self.account.uid, self.account.gid)
            yield file.name

    def _end_leftover(self) -> None:
        """End a server on this cluster whose owner was killed; forget a stale process number.

        PostgreSQL itself takes any live process with the recorded number, when it belongs to the
        same account, for a running server: after a reboot that may well be our Valkey.
        """
        record = self.data / "postmaster.pid"
        try:
            pid = int(record.read_text(encoding="ascii").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if not self._serves(pid):
            record.unlink(missing_ok=True)
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + 30
        while self._serves(pid):
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"Process {pid} still serves {self.data}. End it with `kill -INT {pid}`."
                )
            time.sleep(0.05)

    def _serves(self, pid: int) -> bool:
        command = _command_line(pid)
        return bool(command) and "postgres" in command[0] and str(self.data) in command


def _command_line(pid: int) -> list[str]:
    """Return a live process's arguments; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").rstrip("\0").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/cmdline").exists():
            return []
    # Outside Linux; the arguments come as one line there.
    command = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return listed.stdout.split()


def _for_this_machine() -> dict[str, str]:
    """Return what depends on its memory. The buffers are taken as they fill, not at once."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"shared_buffers": f"{max(128, min(1024, memory // 8 // 2**20))}MB"}


def _plain_environment() -> dict[str, str]:
    # Variables such as PGDATA or PGPORT of the caller's must not reach the server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
