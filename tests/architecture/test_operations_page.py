"""The operations page names every variable that the code reads, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r'"(TASKFLOW_[A-Z_]+)"')
NOT_VARIABLES = {"TASKFLOW_ENGINE"}


def variables_in_code():
    files = [
        *ROOT.glob("taskflow/*.py"),
        *ROOT.glob("taskflow/**/*.py"),
        *ROOT.glob("jobs/**/*.py"),
    ]
    found = {name for file in files for name in READ.findall(file.read_text())}
    return found - NOT_VARIABLES


def test_every_variable_is_documented_and_every_documented_one_is_read():
    documented = set(re.findall(r"`(TASKFLOW_[A-Z_]+)`", (ROOT / "docs/operations.md").read_text()))
    assert documented == variables_in_code()
