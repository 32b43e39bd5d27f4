"""Memory of processes, as Linux counts it."""

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def memory_mb(pid: int) -> dict[str, float]:
    """Return the resident memory of a process and its children, and what is their own (PSS), in MB.

    Pages that several processes map (libraries, what a fork left untouched) count whole in each
    one's `rss` and divided in `pss`.
    """
    totals = {"Rss": 0, "Pss": 0}
    for one in family(pid):
        try:
            lines = (PROC / str(one) / "smaps_rollup").read_text(encoding="ascii").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            if one == pid:
                raise
            # A child that ended while we looked.
            continue
        values = dict(line.split(":", 1) for line in lines if line.endswith("kB"))
        totals = {name: total + int(values[name].split()[0]) for name, total in totals.items()}
    return {name.lower(): round(total / 1024, 1) for name, total in totals.items()}


def family(pid: int) -> Iterator[int]:
    """Give the process and all its descendants that live."""
    yield pid
    for children in (PROC / str(pid) / "task").glob("*/children"):
        try:
            listed = children.read_text(encoding="ascii").split()
        except (FileNotFoundError, ProcessLookupError):
            # The thread ended while we looked.
            continue
        for child in listed:
            yield from family(int(child))
