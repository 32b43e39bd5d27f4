"""TaskFlow's handler that stamps its start, offered by an entry point as any package's."""

from pathlib import Path

from taskflow.supervisor.processes import ROOT

MODULE = """
from benchmarks.peers import work
from jobs.handlers.context import AttemptContext
from jobs.handlers.python_functions import handler


@handler("bench.stamp")
async def stamp(context: AttemptContext, created: float) -> None:
    work.stamp(created)
"""
METADATA = "Metadata-Version: 2.1\nName: taskflow-bench\nVersion: 1.0\n"
ENTRY_POINTS = "[taskflow.handlers]\nbench = taskflow_bench_handlers\n"


def install_plugin(home: Path) -> dict[str, str]:
    """Write the package into a folder of `home`; return the environment that makes it known."""
    folder = home / "plugin"
    described = folder / "taskflow_bench-1.0.dist-info"
    described.mkdir(parents=True)
    (folder / "taskflow_bench_handlers.py").write_text(MODULE, encoding="utf-8")
    (described / "METADATA").write_text(METADATA, encoding="utf-8")
    (described / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    # The root, since a worker's first path is not the folder that it was started in.
    return {"PYTHONPATH": f"{folder}:{ROOT}"}
