"""What a command may use up, as the resource limits of its processes."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that one run of a command may take.

    CPU time, memory (address space) and file size count per process; `processes` counts all
    processes and threads of the run, `temporary_bytes` all files in /tmp and in /dev/shm, each.
    """

    cpu_seconds: int = 60
    memory_bytes: int = 512 * MIB
    processes: int = 32
    file_bytes: int = 64 * MIB
    open_files: int = 64
    temporary_bytes: int = 64 * MIB


# Inclusive bounds of what an operator may choose.
BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "cpu_seconds": (1, 86_400),
    # Below that, programs fail before their first line.
    "memory_bytes": (32 * MIB, 64 * 1024 * MIB),
    "processes": (1, 4096),
    "file_bytes": (0, 64 * 1024 * MIB),
    "open_files": (16, 65_536),
    "temporary_bytes": (4096, 64 * 1024 * MIB),
}


def prlimit_words(limits: Limits) -> list[str]:
    """Return the arguments of prlimit(1) that set the limits, for itself and what it becomes.

    Soft and hard, so nothing that runs below them can raise them.
    """
    same = {
        "as": limits.memory_bytes,
        # Pinned memory and message queues are memory that the line above does not count.
        "memlock": 0,
        "msgqueue": 0,
        # Counted within the sandbox's own user namespace (Linux 5.14), where nobody else is; one
        # more for the sandbox's first process.
        "nproc": limits.processes + 1,
        "fsize": limits.file_bytes,
        "nofile": limits.open_files,
        # A core dump would be written where the host's kernel says, outside the sandbox.
        "core": 0,
    }
    # SIGXCPU first, which a program may catch; SIGKILL a second later.
    cpu = f"--cpu={limits.cpu_seconds}:{limits.cpu_seconds + 1}"
    return [cpu, *(f"--{name}={most}:{most}" for name, most in same.items())]
