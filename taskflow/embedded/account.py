"""The account that the servers run as: one's own, or an unprivileged one instead of root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from taskflow.embedded.errors import CannotStart

# An account that exists on every Unix; initdb asks the system for the name of its user.
UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """A user of the operating system that root hands a process over to."""

    name: str
    uid: int
    gid: int

    def can_run(self, command: list[str]) -> bool:
        """Try the command as this account: modes and ACLs of every parent folder count."""
        try:
            finished = subprocess.run(  # noqa: S603 - our own words
                command,
                cwd="/",
                user=self.uid,
                group=self.gid,
                extra_groups=[],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=30,
                check=False,
            )
        except (PermissionError, FileNotFoundError):
            return False
        return finished.returncode == 0

    def can_enter(self, folder: Path) -> bool:
        """Try to change into the folder as this account."""
        return self.can_run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])


def server_account() -> Account | None:
    """Return the account to drop to; None when this process is not root and keeps its own.

    Raises CannotStart when root has nobody to hand over to.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise CannotStart(
            f"PostgreSQL refuses to run as root and there is no account {UNPRIVILEGED!r} to run it "
            "as. Run TaskFlow as an ordinary user."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
