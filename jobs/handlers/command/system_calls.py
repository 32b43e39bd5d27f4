"""The system calls that a command may not make, as a seccomp filter (Linux BPF, seccomp(2)).

Two groups: doors to kernel code that no ordinary program needs, and memory that no resource limit
counts (memfd, System V segments and queues), with which a run could take more than it is given.
A refused call answers EPERM; a call by another architecture's numbers ends the program.
"""

import struct
from dataclasses import dataclass
from typing import Final

# From asm/unistd_64.h and asm-generic/unistd.h; numbers never change.
_X86_64: Final = {
    "shmget": 29,
    "semget": 64,
    "msgget": 68,
    "ptrace": 101,
    "pivot_root": 155,
    "mount": 165,
    "umount2": 166,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "open_by_handle_at": 304,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "memfd_create": 319,
    "bpf": 321,
    "userfaultfd": 323,
}
_AARCH64: Final = {
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "unshare": 97,
    "ptrace": 117,
    "msgget": 186,
    "semget": 190,
    "shmget": 194,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "perf_event_open": 241,
    "open_by_handle_at": 265,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "memfd_create": 279,
    "bpf": 280,
    "userfaultfd": 282,
}
# Newer calls have one number everywhere.
_EVERYWHERE: Final = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "memfd_secret": 447,
}


@dataclass(frozen=True)
class Architecture:
    """A processor's AUDIT_ARCH_ number (linux/audit.h), and the calls to refuse there."""

    audit: int
    refused: dict[str, int]


ARCHITECTURES: Final = {
    "x86_64": Architecture(0xC000003E, _X86_64 | _EVERYWHERE),
    "aarch64": Architecture(0xC00000B7, _AARCH64 | _EVERYWHERE),
}

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # in struct seccomp_data
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # _REFUSE: ERRNO with EPERM
_X32 = 0x40000000  # x86-64's second set of numbers for the same calls


def seccomp_filter(machine: str) -> bytes | None:
    """Return the program for `platform.machine()`; None for a processor that is not known here."""
    known = ARCHITECTURES.get(machine)
    if known is None:
        return None
    calls = sorted(known.refused.values())
    last = len(calls)
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, known.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        # Jumps count the steps between: to the last but one for a refusal.
        (_AT_LEAST, last + 1, 0, _X32),
        *((_EQUAL, last - place, 0, number) for place, number in enumerate(calls)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
