"""`manage.py occurrences` as a program: with Django and without, whatever the host has."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
# With any option Django reads the command line.
WITHOUT_DJANGO, WITH_DJANGO = ("occurrences",), ("occurrences", "--no-color")
BOTH = pytest.mark.parametrize("words", [WITHOUT_DJANGO, WITH_DJANGO])
QUESTIONS: list[dict[str, Any]] = [
    {"recurrence": {"kind": "cron", "expression": "H 2 * * *", "timezone": "Europe/Madrid"}},
    {"recurrence": {"kind": "daily", "times": ["02:30"], "timezone": "Europe/Madrid"}},
    {"recurrence": {"kind": "interval", "every": 90, "unit": "minutes", "jitter": 60}},
    {"recurrence": {"kind": "rrule", "dtstart": "2026-01-07T09:00:00", "rules": ["FREQ=DAILY"]}},
    {"recurrence": {"kind": "cron", "expression": "0 25 * * *"}},
    {"recurrence": {"kind": "daily", "times": ["09:00"], "timezone": "Europe/Madrit"}},
]


def answers(words: tuple[str, ...], **environment: str) -> list[dict[str, Any]]:
    asked = [
        {"id": number, "after": "2026-03-28T12:00:00+01:00", "count": 3, "seed": "s", **question}
        for number, question in enumerate(QUESTIONS)
    ]
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        input="\n".join(map(json.dumps, asked)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env={**os.environ, **environment},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_answers_are_the_same_with_and_without_django() -> None:
    told = answers(WITHOUT_DJANGO)
    assert [len(one.get("occurrences", ())) for one in told] == [3, 3, 3, 3, 0, 0]
    assert answers(WITH_DJANGO) == told


def test_questions_are_answered_where_nothing_is_configured() -> None:
    told = answers(WITHOUT_DJANGO, TASKFLOW_ENV="production", TASKFLOW_DATABASE_URL="nowhere")
    assert told == answers(WITHOUT_DJANGO)


@BOTH
def test_zones_on_the_hosts_disk_do_not_matter(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "Europe").mkdir()
    tokyo = files("tzdata") / "zoneinfo" / "Asia" / "Tokyo"
    (tmp_path / "Europe" / "Madrid").write_bytes(tokyo.read_bytes())
    told = answers(words, PYTHONTZPATH=str(tmp_path))
    assert told[1]["occurrences"] == [
        "2026-03-29T03:30:00+02:00",
        "2026-03-30T02:30:00+02:00",
        "2026-03-31T02:30:00+02:00",
    ]


@BOTH
def test_program_that_nobody_can_read_does_not_end_as_if_all_were_well(
    words: tuple[str, ...],
) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    for closed, status in ((">&-", 141), ("<&-", 0)):
        shell = ["/bin/sh", "-c", f'"$@" {closed}', "sh", *command]
        assert (
            subprocess.run(shell, input="", text=True, cwd=ROOT, check=False).returncode == status
        )
