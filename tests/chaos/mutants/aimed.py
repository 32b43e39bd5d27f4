"""`python -m tests.chaos.mutants.aimed AIM FOLDER [SQL]`: one aimed run; its verdict goes to
FOLDER/report.json."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from tests.chaos.chaos import run
from tests.chaos.mutants.aims import AIMS
from tests.chaos.verdict import judge


def main() -> None:
    """Run and write."""
    aim, folder, *sql = sys.argv[1:]
    plan = AIMS[aim]()
    if sql:
        plan = replace(plan, prepare=sql[0])
    told = run(plan, Path(folder))
    verdict = judge(told, seed=plan.seed, strikes=plan.strikes, needs_zombies=aim == "zombie")
    report = Path(folder) / "report.json"
    report.write_text(json.dumps(verdict.as_json(), indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
