"""Recurrences per second: parse and next, beside the libraries; and `manage.py occurrences`.

A part of `python -m benchmarks.templates`; needs no server.
"""

import gc
import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from croniter import croniter  # type: ignore[import-untyped]
from cronsim import CronSim
from dateutil.rrule import rrulestr

from benchmarks.part import Figures, say, tell
from benchmarks.template_mix import Document, questions, rule_of
from benchmarks.timing import per_second, rate
from taskflow.supervisor.processes import ROOT
from templates_app.recurrence.parse import parse_stored
from templates_app.recurrence.zones import find_zone

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SIX_ZONES = (
    "UTC",
    "Europe/Madrid",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Sydney",
    "America/Sao_Paulo",
)
EXPRESSIONS = 1_000
ASKED = 20_000
YEARS = (0, 1, 5, 10, 20)
SECONDS = 1.0
# dateutil walks from DTSTART; it is asked this many questions, and stopped after so many seconds.
DATEUTIL_QUESTIONS = 40
DATEUTIL_SECONDS = 6.0
RUNS = 5
LINES = 10_000


class Question(NamedTuple):
    """What comes next after `after`. `text` is JSON, `rule` what a library takes."""

    text: str
    rule: str
    after: datetime
    start: datetime = NOW


def main() -> None:
    """Measure and tell."""
    tell(measure)


def measure() -> Figures:
    """Return every figure."""
    for zone in SIX_ZONES:
        # A process knows its zones; their years are computed once.
        for year in range(1995, 2050):
            find_zone(zone).stretch(datetime(year, 6, 1))  # noqa: DTZ001 - naive UTC
    return {"cron": _cron(), "rrule": _rrule(), "occurrences": _occurrences()}


def _cron() -> Figures:
    asked = _cron_questions(random.Random(1))
    say("cron")
    return {
        "expressions": EXPRESSIONS,
        "zones": len(SIX_ZONES),
        "cached": per_second(_ours, asked, seconds=SECONDS),
        "cold": _cold(asked),
        "cronsim": per_second(_cronsim, asked, seconds=SECONDS),
        "croniter": per_second(_croniter, asked, seconds=SECONDS),
    }


def _rrule() -> list[Figures]:
    found = []
    for years in YEARS:
        say(f"rrule, {years} years")
        asked = _rrule_questions(random.Random(2), years)
        found.append(
            {
                "years": years,
                "cached": per_second(_ours, asked, seconds=SECONDS),
                "cold": _cold(asked),
                "dateutil": rate(_dateutil, asked[:DATEUTIL_QUESTIONS], seconds=DATEUTIL_SECONDS),
            }
        )
    return found


def _cold(asked: list[Question]) -> int:
    """Ask each recurrence once, with every cache of the engine emptied before."""
    once = list({question.text: question for question in asked}.values())
    clear_caches()
    return rate(_ours, once, seconds=10 * SECONDS)


def clear_caches() -> None:
    """Empty the engine's caches of parsed recurrences; zones stay."""
    for name, module in list(sys.modules.items()):
        if name.startswith("templates_app.recurrence") and not name.endswith(".zones"):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
    gc.collect()


def _ours(question: Question) -> None:
    parse_stored(question.text).next(question.after)


def _cronsim(question: Question) -> None:
    next(CronSim(question.rule, question.start))


def _croniter(question: Question) -> None:
    croniter(question.rule, question.start).get_next(datetime)


def _dateutil(question: Question) -> None:
    rrulestr(question.rule, dtstart=question.start).after(question.after.replace(tzinfo=None))


def _cron_questions(chance: random.Random) -> list[Question]:
    expressions = [(_expression(chance), chance.choice(SIX_ZONES)) for _ in range(EXPRESSIONS)]
    asked = []
    for number in range(ASKED):
        expression, zone = expressions[number % EXPRESSIONS]
        after = NOW + timedelta(minutes=chance.randrange(3 * 525_600))
        document = {"kind": "cron", "expression": expression, "timezone": zone}
        local = after.astimezone(ZoneInfo(zone))
        asked.append(Question(json.dumps(document), expression, after, local))
    return asked


def _expression(chance: random.Random) -> str:
    """Return a cron expression that all three libraries take and none finds hard."""
    minute = chance.choice((str(chance.randrange(60)), "*/5", "*/15", "0,30", "*"))
    hour = chance.choice(("*", str(chance.randrange(24)), "9-17", "*/2", "0,6,12,18"))
    day, month, weekday = chance.choice(
        (
            ("*", "*", "*"),
            ("*", "*", "MON-FRI"),
            (str(chance.randint(1, 28)), "*", "*"),
            ("*", "*", str(chance.randrange(7))),
            (str(chance.randint(1, 28)), f"{chance.randint(1, 6)},{chance.randint(7, 12)}", "*"),
        )
    )
    return f"{minute} {hour} {day} {month} {weekday}"


def _rrule_questions(chance: random.Random, years: int) -> list[Question]:
    """Of 20 rules 17 are daily or longer, 2 hourly, 1 minutely: the mix of users' rules."""
    kinds = [*["long"] * 17, *["hour"] * 2, "minute"]
    asked = []
    for number in range(EXPRESSIONS):
        kind = kinds[number % len(kinds)]
        rule = rule_of(chance) if kind == "long" else _short_rule(kind, chance)
        start = NOW - timedelta(days=365.25 * years, minutes=chance.randrange(525_600 // 12))
        wall = start.replace(tzinfo=None)
        document: Document = {
            "kind": "rrule",
            "dtstart": wall.isoformat(),
            "timezone": chance.choice(SIX_ZONES),
            "rules": [rule],
        }
        after = wall if years == 0 else NOW.replace(tzinfo=None)
        asked.append(Question(json.dumps(document), rule, after.replace(tzinfo=UTC), wall))
    return asked


def _short_rule(kind: str, chance: random.Random) -> str:
    every = chance.choice((1, 2, 4, 6)) if kind == "hour" else chance.choice((1, 5, 10, 15))
    return f"FREQ={kind.upper()}LY;INTERVAL={every}"


def _occurrences() -> Figures:
    """Time `manage.py occurrences` over many lines, its start included, several times."""
    say("manage.py occurrences")
    lines = [json.dumps(question) for question in questions(LINES, now=NOW)]
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "questions.jsonl"
        asked.write_text("\n".join(lines) + "\n", encoding="utf-8")
        runs = sorted(_answered(asked) for _ in range(RUNS))
    return {"lines": LINES, "seconds": runs[RUNS // 2], "runs": runs}


def _answered(asked: Path) -> float:
    argv = [sys.executable, str(ROOT / "manage.py"), "occurrences"]
    with asked.open() as source:
        started = time.perf_counter()
        done = subprocess.run(argv, stdin=source, stdout=subprocess.PIPE, text=True, check=True)
        took = time.perf_counter() - started
    answers: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    if [answer["id"] for answer in answers] != list(range(LINES)):
        raise AssertionError("the answers are not those of the lines")
    refused = sum("error" in answer for answer in answers)
    if refused:
        raise AssertionError(f"{refused} lines of the mix were refused")
    return round(took, 2)


if __name__ == "__main__":
    main()
