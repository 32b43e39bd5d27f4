"""Writes the figures of templates: JSON beside the benchmarks, tables into docs/performance.md."""

import json
from collections.abc import Callable, Mapping

from benchmarks.part import Figures
from benchmarks.report import PAGE, RESULTS, replaced
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
    measured = (
        f"Measured {figures['when']} on {figures['machine']} by "
        f"`python -m benchmarks.templates --only {part}` (a part of `make bench-templates`)."
    )
    lines = [measured, "", *TABLES[part](figures)]
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), part, lines), encoding="utf-8")
