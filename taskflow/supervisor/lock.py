"""One supervisor for each home."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from taskflow.embedded.errors import CannotStart
from taskflow.embedded.folders import make_folder
from taskflow.home import Home


@contextlib.contextmanager
def locked(home: Home) -> Iterator[None]:
    """Hold the home, made when missing. The lock ends with this process, however it ends.

    Raises CannotStart when another supervisor holds it.
    """
    # Root's PostgreSQL runs as another account, which has to pass through.
    make_folder(home.path, 0o711 if os.geteuid() == 0 else 0o700)
    with (home.path / "lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise CannotStart(
                f"TaskFlow already runs in {home.path} (process {holder}). Stop it first, or set "
                "TASKFLOW_HOME to another folder for a second copy."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
