"""Published cases, as questions for the engine.

`recurrence_examples.jsonl` holds cases from the test suites of other schedulers and RFC 5545, with
the policy under which a case gives its answer; `recurrence_invalid_examples.jsonl` holds what must
be refused.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
POLICY = {"gap": "dst_gap", "fold": "dst_overlap", "day_match": "day_match"}


def cases(name: str) -> list[dict[str, Any]]:
    """Return the cases of one file."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def recurrence_of(case: dict[str, Any]) -> dict[str, Any]:
    """Return the case's recurrence in the shape of the API."""
    if case["kind"] == "interval":
        return {**json.loads(case["expr"]), "kind": "interval", "timezone": case["tz"]} | _policy(
            case
        )
    if case["kind"] == "rrule":
        return _rrule(case) | _policy(case)
    document = {"kind": "cron", "expression": case["expr"], "timezone": case["tz"]}
    return document | _policy(case)


def _policy(case: dict[str, Any]) -> dict[str, str]:
    if case.get("default_ok", True) and case["kind"] != "rrule":
        return {}
    chosen = case.get("policy", {})
    return {POLICY[name]: values[0] for name, values in chosen.items() if name in POLICY}


def _rrule(case: dict[str, Any]) -> dict[str, Any]:
    zone = ZoneInfo(case["tz"])
    start = datetime.fromisoformat(case["start"]).astimezone(zone).replace(tzinfo=None)
    lines = case["expr"].splitlines()
    return {
        "kind": "rrule",
        "dtstart": start.isoformat(),
        "timezone": case["tz"],
        "rules": [line for line in lines if not line.startswith("EXRULE")],
        "exrules": [line for line in lines if line.startswith("EXRULE")],
        "rdates": case.get("rdate", []),
        "exdates": case.get("exdate", []),
    }
