"""Writes the figures of templates: JSON beside the benchmarks, tables into docs/performance.md."""

import json
from collections.abc import Callable, Mapping

from benchmarks.part import Figures
from benchmarks.report import PAGE, RESULTS
from benchmarks.template_tables import expansion, lateness, recurrences, scheduler

RESULT = RESULTS / "templates.json"
TABLES: Mapping[str, Callable[[Figures], list[str]]] = {
    "expansion": expansion,
    "scheduler": scheduler,
    "recurrences": recurrences,
    "lateness": lateness,
}


def write_template_report(part: str, figures: Figures) -> None:
    """Replace one part's figures and table; the other parts' and the page around them are kept."""
    RESULTS.mkdir(exist_ok=True)
    known = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    known[part] = figures
    RESULT.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    before, rest = PAGE.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    measured = (
        f"Measured {figures['when']} on {figures['machine']} by "
        f"`python -m benchmarks.templates --only {part}` (a part of `make bench-templates`)."
    )
    text = "\n".join([begin, measured, "", *TABLES[part](figures), end])
    PAGE.write_text(f"{before}{text}{after}", encoding="utf-8")
