"""The published RRULE cases, at the level of nominal times (clock changes are timeline's)."""

import json
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule import parse_rule, parse_set

HERE = Path(__file__).parent.parent


def of_kind_rrule(name: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (HERE / name).read_text().splitlines()]
    return [row for row in rows if row["kind"] == "rrule"]


CASES = of_kind_rrule("recurrence_examples.jsonl")
REFUSED = of_kind_rrule("recurrence_invalid_examples.jsonl")


def as_shown(at: datetime, zone: ZoneInfo) -> datetime:
    """What the zone's clock shows at the instant that a nominal time is read as (RFC 5545 3.3.5)."""
    return (
        at.replace(tzinfo=zone)
        .astimezone(ZoneInfo("UTC"))
        .astimezone(zone)
        .replace(tzinfo=None, fold=0)
    )


def told(case: dict[str, Any], zone: ZoneInfo) -> list[datetime]:
    lines = case["expr"].splitlines()
    after = (
        datetime.fromisoformat(case["after"]).astimezone(zone).replace(tzinfo=None)
        if "after" in case
        else datetime(1, 1, 1)
    )
    try:
        found = parse_set(
            dtstart=case["start"],
            rules=[line for line in lines if not line.startswith("EXRULE")],
            exrules=[line for line in lines if line.startswith("EXRULE")],
            rdates=case.get("rdate", []),
            exdates=case.get("exdate", []),
            zone=zone,
        )
    except RecurrenceError as fault:
        if fault.code != "never":
            raise
        return []
    later = (at for at in found.walls(after) if at > after)
    return list(islice(later, len(case["expected"]) + case["ends"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_published_case_is_answered_as_published(case: dict[str, Any]) -> None:
    zone = ZoneInfo(case["tz"])
    expected = [datetime.fromisoformat(at).replace(tzinfo=None) for at in case["expected"]]
    assert [as_shown(at, zone) for at in told(case, zone)] == expected


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["id"])
def test_published_fault_is_named_as_published(case: dict[str, Any]) -> None:
    with pytest.raises(RecurrenceError) as refused:
        parse_rule(case["expr"], dtstart=datetime(2026, 1, 1, 9), zone=ZoneInfo("Europe/Madrid"))
    fault = refused.value
    assert (fault.code, fault.field, fault.message) == (
        case["code"],
        case["field"],
        case["message"],
    )
    assert "hint" not in case or fault.hint == case["hint"]
