"""Writes a benchmark's figures: JSON beside the benchmarks, a table into docs/performance.md."""

import json
from collections.abc import Mapping

from taskflow.supervisor.processes import ROOT

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- throughput: begin -->", "<!-- throughput: end -->"


def write_report(figures: Mapping[str, object]) -> None:
    """Replace the figures of the last run; the page around the table is kept."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(figures, indent=2) + "\n"
    (RESULTS / "throughput.json").write_text(text, encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{_table(figures)}\n{END}{after}", encoding="utf-8")


def _table(figures: Mapping[str, object]) -> str:
    f = figures
    return "\n".join(
        [
            f"Measured {f['when']} on {f['machine']} by `make bench`.",
            "",
            "| figure | value |",
            "| --- | --- |",
            (
                f"| TaskFlow, end to end (API batches to finished rows), {f['jobs']:,} no-op jobs "
                f"| **{f['end_to_end']:,} jobs/s** |"
            ),
            f"| of which accepted by the API meanwhile | {f['accepted']:,} jobs/s |",
            f"| TaskFlow, {f['jobs']:,} jobs that fall due at once | {f['backlog']:,} jobs/s |",
            (
                f"| raw Celery, {f['raw_celery_tasks']:,} no-op tasks, prefork, 2 processes "
                f"| {f['raw_celery']:,} tasks/s |"
            ),
            f"| TaskFlow end to end : raw Celery | **{f['times_raw_celery']} : 1** |",
            f"| creation to start, idle platform, p50 | {f['start_p50_ms']} ms |",
            f"| creation to start, idle platform, p99 | {f['start_p99_ms']} ms |",
        ]
    )
