"""Writes the figures of `make bench`: JSON, the tables of docs/performance.md, and its plots."""

import json

from benchmarks.bars import Bar, Group, bar_chart
from benchmarks.part import Figures
from benchmarks.peers.names import PEERS
from benchmarks.report import PAGE, RESULTS, replaced
from benchmarks.throughput_tables import (
    durability_table,
    flood_table,
    peers_table,
    verdict_lines,
    waiting_table,
)

RESULT = RESULTS / "throughput.json"
PLOTS = PAGE.parent / "plots"
QUEUES = ("taskflow", *PEERS)


def write_throughput_report(part: str, figures: Figures) -> None:
    """Replace one part's figures; then write the page's tables and the plots of all parts anew."""
    RESULTS.mkdir(exist_ok=True)
    known: dict[str, Figures] = {}
    if RESULT.exists():
        known = json.loads(RESULT.read_text(encoding="utf-8")).get("parts", {})
    known[part] = figures
    text = json.dumps({"parts": known}, indent=2) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    for marker, lines in blocks(known).items():
        page = replaced(page, marker, lines)
    PAGE.write_text(page, encoding="utf-8")
    PLOTS.mkdir(exist_ok=True)
    for name, svg in _plots(known).items():
        (PLOTS / name).write_text(svg, encoding="utf-8")


def blocks(known: dict[str, Figures]) -> dict[str, list[str]]:
    """Return what goes between the page's markers; a marker whose parts never ran is left out."""
    queues = {name: known[name] for name in QUEUES if name in known}
    found = {}
    if queues:
        ceiling = known.get("ceiling")
        found["throughput"] = [
            *verdict_lines(known),
            "",
            *peers_table(queues, ceiling),
            "",
            "![jobs per second](plots/throughput.svg)",
        ]
        found["durability"] = durability_table(queues)
    if "waiting" in known:
        found["waiting"] = waiting_table(known["waiting"])
        if "levels" in known["waiting"]:
            found["waiting"] += ["", "![jobs per second by waiting jobs](plots/waiting.svg)"]
    if "flood" in known:
        found["flood"] = flood_table(known["flood"])
    return found


def _plots(known: dict[str, Figures]) -> dict[str, str]:
    plots = {}
    shown = {name: known[name] for name in (*QUEUES, "ceiling") if name in known}
    if shown:
        groups = [
            Group(heading="no-op jobs per second", bars=_bars(shown, "noop")),
            Group(heading="HTTP jobs per second", bars=_bars(shown, "post")),
        ]
        plots["throughput.svg"] = bar_chart("Jobs per second, end to end", groups)
    levels = known.get("waiting", {}).get("levels")
    if levels:
        headings = {"noop": "no-op jobs per second", "post": "HTTP jobs per second"}
        groups = [
            Group(
                heading=heading,
                bars=[
                    Bar(
                        label=f"{level['waiting']:,} waiting",
                        value=level[work]["per_second"],
                        ours=True,
                    )
                    for level in levels
                ],
            )
            for work, heading in headings.items()
        ]
        plots["waiting.svg"] = bar_chart("TaskFlow, by how many jobs wait for later", groups)
    return plots


def _bars(shown: dict[str, Figures], work: str) -> list[Bar]:
    return [
        Bar(
            label=figures["title"],
            value=figures[work]["per_second"] if work in figures else None,
            ours=name == "taskflow",
        )
        for name, figures in shown.items()
        # The ceiling makes requests only; a queue without the figure failed.
        if work in figures or name != "ceiling"
    ]
