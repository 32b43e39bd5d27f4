"""Memory of processes, as Linux counts it."""

from pathlib import Path

PROC = Path("/proc")


def memory_mb(pid: int) -> dict[str, float]:
    """Return a process's resident memory, and the share of it that is its own (PSS), in MB.

    Pages that several processes map (libraries) count whole in `rss` and divided in `pss`.
    """
    lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    values = dict(line.split(":", 1) for line in lines if line.endswith("kB"))
    return {name.lower(): round(int(values[name].split()[0]) / 1024, 1) for name in ("Rss", "Pss")}
