"""`make bench-templates`: a million templates, beside django-celery-beat; recurrences; lateness.

Each part runs in a process of its own, on servers that sync every commit and share the machine
with it. Writes benchmarks/results/templates.json and the tables of docs/performance.md; a run of
some parts (`--only`) leaves the others' figures as they are.
"""

import argparse
import sys
from contextlib import ExitStack
from datetime import UTC, datetime

from benchmarks.part import Figures, environment_of, machine, run_part, say
from benchmarks.stack import manage, servers
from benchmarks.template_report import write_template_report
from taskflow.supervisor.processes import ROOT

PARTS = ("recurrences", "expansion", "scheduler", "lateness")


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=1_000_000)
    parser.add_argument("--periodic-tasks", type=int, default=50_000)
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    wanted = options.only or PARTS
    with ExitStack() as stack:
        arguments = {
            "recurrences": [],
            "expansion": ["--templates", str(options.templates)],
            "scheduler": ["--periodic-tasks", str(options.periodic_tasks)],
            "lateness": [],
        }
        shared = _migrated(stack) if {"expansion", "scheduler"} & set(wanted) else {}
        for name in wanted:
            say(f"--- {name}")
            # Lateness is measured on a platform that is idle but for the templates of the part.
            environment = _migrated(stack) if name == "lateness" else shared
            figures = run_part(MODULES[name], environment, *arguments[name])
            write_template_report(name, {**_stamp(), **figures})


MODULES = {
    "recurrences": "benchmarks.recurrences",
    "expansion": "benchmarks.expansion",
    "scheduler": "benchmarks.database_scheduler",
    "lateness": "benchmarks.lateness",
}


def _migrated(stack: ExitStack) -> dict[str, str]:
    environment = environment_of(stack.enter_context(servers()))
    manage(environment, "migrate", "-v", "0", "--skip-checks")
    return environment


def _stamp() -> Figures:
    return {"when": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
