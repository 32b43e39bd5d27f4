"""The chaos test, short enough for every change: `make chaos MINUTES=30` is the whole one."""

import json
import subprocess
import sys

import pytest

from taskflow.supervisor.processes import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.chaos]

# Seconds of faults; start, healing and draining come on top.
SECONDS = 45
BOUND = 400
SEED = 5


def test_nothing_is_lost_or_doubled_in_a_short_chaos(tmp_path):
    command = [sys.executable, "-m", "tests.chaos", "--minutes", str(SECONDS / 60)]
    # A rate that any machine bears: what a busy one does with more is not what this asks.
    given = ["--seed", str(SEED), "--rate", "12", "--burst", "40"]
    given += ["--folder", str(tmp_path / "chaos")]
    done = subprocess.run(
        [*command, *given], cwd=ROOT, capture_output=True, text=True, timeout=BOUND, check=False
    )
    report = tmp_path / "chaos" / "report.json"
    assert report.exists(), done.stderr[-4000:]
    found = json.loads(report.read_text())
    assert found["broken"] == {}, done.stdout
    assert found["problems"] == [], done.stdout
    assert found["inconclusive_because"] == [], done.stdout
    assert done.returncode == 0, done.stderr[-4000:]
