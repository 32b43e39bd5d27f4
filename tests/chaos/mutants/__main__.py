"""`python -m tests.chaos.mutants [--only WORD] [--no-control] [--publish]`: is every broken engine noticed?

Each mutant runs in a copy of the tree. The same aims run on the whole engine first, and must pass:
otherwise what they notice says nothing. Ends with 1 when a mutant lives, or an aim fails by itself.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskflow.embedded.child import Launch, spawn, stop
from taskflow.supervisor.processes import ROOT
from tests.chaos.mutants.catalogue import MUTANTS, Mutant, apply
from tests.chaos.report import MUTANTS as MUTANTS_TABLE
from tests.chaos.report import publish

BOUND = 240.0  # seconds for one run
# Compiled files come along: a dozen processes would compile everything anew.
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".taskflow", ".*_cache", "docs", "staticfiles")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table."""

    name: str
    aim: str
    good: bool
    noticed: str
    seconds: float


def main() -> None:
    """Run them one after the other and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mutants")
    parser.add_argument("--only", default="", help="mutants whose name or aim has this in it")
    parser.add_argument("--no-control", action="store_true", help="leave the whole engine out")
    parser.add_argument("--publish", action="store_true", help="write docs/reliability.md")
    asked = parser.parse_args()
    chosen = [one for one in MUTANTS if asked.only in one.name or asked.only == one.aim]
    rows = []
    with tempfile.TemporaryDirectory(prefix="taskflow-mutants-") as folder:
        if not asked.no_control:
            aims = dict.fromkeys(mutant.aim for mutant in chosen)
            rows += [_told(_control(aim, Path(folder))) for aim in aims]
        rows += [_told(_mutated(mutant, Path(folder))) for mutant in chosen]
    table = _table(rows)
    sys.stdout.write("\n".join(table) + "\n")
    if asked.publish:
        publish(table, "make chaos-mutants", MUTANTS_TABLE)
    sys.exit(0 if all(row.good for row in rows) else 1)


def _control(aim: str, folder: Path) -> Row:
    begin = time.monotonic()
    report = _run(ROOT, aim, folder / f"control-{aim}", "")
    return Row(
        name="(nothing is broken)",
        aim=aim,
        good=report.get("verdict") == "passed",
        noticed=_summary(report),
        seconds=time.monotonic() - begin,
    )


def _mutated(mutant: Mutant, folder: Path) -> Row:
    begin = time.monotonic()
    root = folder / "tree"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(ROOT, root, ignore=LEFT_OUT, symlinks=True)
    apply(mutant, root)
    report = _run(root, mutant.aim, folder / f"mutant-{MUTANTS.index(mutant)}", mutant.prepare)
    broken = report.get("broken", {})
    return Row(
        name=mutant.name,
        aim=mutant.aim,
        good=any(name in broken for name in mutant.noticed_by),
        noticed=_summary(report),
        seconds=time.monotonic() - begin,
    )


def _run(root: Path, aim: str, folder: Path, prepare: str) -> dict[str, Any]:
    folder.mkdir()
    words = [aim, str(folder), *([prepare] if prepare else [])]
    launch = Launch(
        argv=[sys.executable, "-m", "tests.chaos.mutants.aimed", *words],
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=root,
    )
    with (folder / "aimed.log").open("ab") as log:
        process = spawn(launch, log)
        try:
            process.wait(BOUND)
        except subprocess.TimeoutExpired:
            return {"verdict": f"no end within {BOUND:g} s"}
        finally:
            # An interrupt lets it end its own children.
            stop(process, launch.stop_signal, seconds=15)
    try:
        found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        tail = (folder / "aimed.log").read_text(errors="replace")[-3000:]
        sys.stderr.write(tail + "\n")
        return {"verdict": "crashed"}
    return found


def _summary(report: dict[str, Any]) -> str:
    broken = report.get("broken") or {}
    told = ", ".join(f"{name} ({len(found)})" for name, found in broken.items())
    doubts = "; ".join([*report.get("problems", []), *report.get("inconclusive_because", [])])
    return told or f"{report['verdict']} {doubts}".strip()


def _told(row: Row) -> Row:
    good = "ok" if row.good else "NOT OK"
    sys.stderr.write(f"{good}: {row.name} [{row.aim}] {row.noticed} ({row.seconds:.0f} s)\n")
    return row


def _table(rows: list[Row]) -> list[str]:
    lines = ["| engine | aim | | noticed by | s |", "| --- | --- | --- | --- | ---: |"]
    for row in rows:
        good = "ok" if row.good else "**not ok**"
        noticed = row.noticed.replace("_", " ")
        lines.append(f"| {row.name} | {row.aim} | {good} | {noticed} | {row.seconds:.0f} |")
    caught = sum(row.good for row in rows if not row.name.startswith("("))
    mutants = sum(not row.name.startswith("(") for row in rows)
    return [*lines, "", f"{caught} of {mutants} mutants noticed."]


if __name__ == "__main__":
    main()
