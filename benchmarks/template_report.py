"""Writes the figures of templates: JSON beside the benchmarks, tables into docs/performance.md."""

import json

from benchmarks.part import Figures
from benchmarks.report import RESULTS


def write_template_report(part: str, figures: Figures) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "templates.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known[part] = figures
    path.write_text(json.dumps(known, indent=2) + "\n")
