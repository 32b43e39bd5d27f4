"""`python -m tests.chaos [--minutes 3] [--seed N] [--folder F] [--publish]`: one run and its report.

Ends with 0 when it passed, 1 when a promise was broken, 2 when it proves nothing.
"""

import argparse
import json
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos.chaos import BURST, Plan, run, say
from tests.chaos.report import markdown, publish
from tests.chaos.schedule import schedule
from tests.chaos.verdict import FAILED, INCONCLUSIVE, PASSED, judge

STATUS = {PASSED: 0, FAILED: 1, INCONCLUSIVE: 2}


def main() -> None:
    """Run, report, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--rate", type=float, default=None, help="jobs a second; half of capacity")
    parser.add_argument("--burst", type=int, default=BURST, help="jobs to measure that by")
    parser.add_argument("--folder", type=Path, default=None, help="for logs and report.json")
    parser.add_argument("--publish", action="store_true", help="write docs/reliability.md")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="taskflow-chaos-"))
    seconds = asked.minutes * 60
    strikes = schedule(seconds, asked.seed)
    say(f"seed {asked.seed}, {len(strikes)} faults, logs in {folder}")
    plan = Plan(
        seconds=seconds, seed=asked.seed, strikes=strikes, rate=asked.rate, burst=asked.burst
    )
    told = run(plan, folder)
    verdict = judge(told, seed=asked.seed, strikes=strikes, needs_zombies=True)
    (folder / "report.json").write_text(json.dumps(verdict.as_json(), indent=2), encoding="utf-8")
    lines = markdown(verdict)
    (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines) + "\n")
    if asked.publish:
        publish(lines, f"make chaos MINUTES={asked.minutes:g} SEED={asked.seed}")
    sys.exit(STATUS[verdict.verdict])


if __name__ == "__main__":
    main()
