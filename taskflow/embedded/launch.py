"""Become the program to run: give up root, end with the parent, then exec.

Run as a script (`python -I -S launch.py PARENT SIGNAL UID GID PROGRAM [ARGUMENT ...]`), so that the
steps happen in a fresh process with one thread; UID and GID are `-` to keep the account.
Imports nothing but the standard library: the account may be unable to read the rest.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, number: int) -> None:
    """Ask Linux to send signal `number` to this process when `parent` ends, however it ends."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # The parent may have died before prctl took effect; then no signal would ever come.
    if os.getppid() != parent:
        sys.exit("The starting process has ended.")


def main(arguments: list[str]) -> None:
    """Drop privileges first: changing the user clears the parent-death signal."""
    parent, number, uid, gid, *command = arguments
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    end_with_parent(int(parent), int(number))
    os.execvp(command[0], command)  # noqa: S606 - replacing this process is its purpose


if __name__ == "__main__":
    main(sys.argv[1:])
