"""bubblewrap's arguments: what a command sees of this machine, which is nearly nothing.

The root is empty and read-only but for the host's programs and libraries. No network, no other
processes, no users, no devices but the harmless ones, no capabilities, no way to new namespaces.
Needs bubblewrap 0.8.0 or newer.
"""

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jobs.handlers.command.allow_list import Command
from jobs.handlers.command.system_calls import seccomp_filter

# Nobody: what is left of a user when every name has been taken away.
NOBODY: Final = 65534
_ISOLATION: Final = (
    "--unshare-all",
    # Explicitly: --unshare-all alone goes on without a user namespace where there is none.
    "--unshare-user",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--clearenv",
    *("--cap-drop", "ALL"),
    *("--uid", str(NOBODY)),
    *("--gid", str(NOBODY)),
    *("--hostname", "sandbox"),
)
# Beside /usr; on merged systems these are links into it.
_PROGRAM_FOLDERS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# What programs of a distribution need of /etc; nothing in there tells of users or hosts.
_ETC: Final = ("alternatives", "ld.so.cache", "localtime", "ssl/certs", "mime.types")
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp"}  # noqa: S108


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What makes a sandbox: bubblewrap outside of it, util-linux's prlimit and a filter inside."""

    bubblewrap: str
    prlimit: str
    seccomp: bytes = field(repr=False)


class ToolMissing(RuntimeError):
    """Something that the sandbox is made with is not there; the message says what."""


def find_tools(bubblewrap: str) -> Tools:
    """Return the tools; `bubblewrap` is a path, or "" for the one on the PATH. Raises ToolMissing."""
    found = shutil.which(bubblewrap or "bwrap")
    if found is None:
        raise ToolMissing(
            f"{bubblewrap or 'bwrap'} is not there; install bubblewrap 0.8.0 or newer "
            "(apt-get install bubblewrap)."
        )
    # Where the sandbox sees it.
    prlimit = shutil.which("prlimit", path="/usr/bin:/bin")
    if prlimit is None:
        raise ToolMissing("prlimit is not in /usr/bin; install util-linux.")
    machine = platform.machine()
    seccomp = seccomp_filter(machine)
    if seccomp is None:
        raise ToolMissing(
            f"there is no filter of system calls for {machine}; use x86-64 or ARM 64."
        )
    return Tools(bubblewrap=found, prlimit=prlimit, seccomp=seccomp)


def sandbox_options(command: Command, environment: Mapping[str, str]) -> list[str]:
    """Return the options for one run; `environment` goes before the command's own."""
    size = str(command.limits.temporary_bytes)
    variables = {**_ENVIRONMENT, **environment, **command.environment}
    return [
        *_ISOLATION,
        *_programs(),
        *(word for path in _ETC for word in ("--ro-bind-try", f"/etc/{path}", f"/etc/{path}")),
        *("--proc", "/proc"),
        *("--dev", "/dev"),
        *("--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--perms", "1777", "--size", size, "--tmpfs", "/tmp"),  # noqa: S108
        *(word for path in command.readable for word in ("--ro-bind", path, path)),
        *("--remount-ro", "/dev"),
        # Through /proc/1/mem a command could take over process 1, which has no limits.
        *("--remount-ro", "/proc"),
        *("--remount-ro", "/"),
        *("--chdir", "/tmp"),  # noqa: S108
        *(word for pair in variables.items() for word in ("--setenv", *pair)),
    ]


def _programs() -> list[str]:
    options = ["--ro-bind", "/usr", "/usr"]
    for name in _PROGRAM_FOLDERS:
        folder = Path("/", name)
        if folder.is_symlink():
            options += ["--symlink", os.readlink(folder), str(folder)]
        elif folder.is_dir():
            options += ["--ro-bind", str(folder), str(folder)]
    return options
