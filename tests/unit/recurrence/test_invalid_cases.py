"""Published faults of recurrences: each is refused with its code, its field and a remedy."""

import json
from typing import Any

import pytest

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.lines import answer
from templates_app.recurrence.parse import parse
from tests.unit.recurrence.published import cases

# A year is a seventh field here, so this one is accepted.
OVERRULED = {"invalid-007"}
# What the published file calls a field, and what the JSON of recurrences calls it.
NAMES = {"at": "times", "days": "weekdays", "tz": "timezone", "start": "starts_at"}
HERE = ("cron", "rrule", "interval", "daily", "weekly", "zone", "jitter")
INVALID = [
    case
    for case in cases("recurrence_invalid_examples.jsonl")
    if case["kind"] in HERE and case["id"] not in OVERRULED
]
DAILY = {"kind": "daily", "times": ["09:00"]}


def document(case: dict[str, Any]) -> dict[str, Any]:
    """Return a published fault in the shape of the API."""
    if case["kind"] == "cron":
        return {"kind": "cron", "expression": case["expr"], "timezone": "UTC"}
    if case["kind"] == "rrule":
        return {
            "kind": "rrule",
            "dtstart": "2026-01-01T09:00:00",
            "rules": [case["expr"]],
            "timezone": "UTC",
        }
    given = json.loads(case["expr"])
    match case["kind"]:
        case "interval":
            return {"kind": "interval", **given}
        case "daily":
            return {"kind": "daily", "times": [given["at"]]}
        case "weekly":
            return {"kind": "weekly", "weekdays": given["days"], "times": [given["at"]]}
        case "jitter":
            return {"kind": "cron", "expression": given["cron"], "jitter": 600}
        case _:
            bounds = {"starts_at": given["start"]} if "start" in given else {}
            return {**DAILY, "timezone": given["tz"], **bounds}


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case["id"])
def test_published_fault_is_refused_in_that_spirit(case: dict[str, Any]) -> None:
    with pytest.raises(RecurrenceError) as refused:
        parse(document(case))
    error = refused.value
    field = NAMES.get(case["field"], case["field"])
    named = {field, "rules.0" if field == "rrule" else f"rules.0.{field}"}
    assert (error.code, error.field in named) == (case["code"], True), (error.code, error.field)
    assert error.message.endswith((".", "?"))
    assert not case.get("hint") or error.hint, "a hint is promised"


def test_every_kind_of_fault_is_asked() -> None:
    assert len(INVALID) > 70


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        ({"kind": "lunar"}, "unknown_kind", "kind"),
        ({}, "required", "kind"),
        ([], "wrong_type", "recurrence"),
        ({**DAILY, "tiems": []}, "unknown_field", "tiems"),
        ({**DAILY, "every": 0}, "out_of_range", "every"),
        ({**DAILY, "times": "09:00"}, "wrong_type", "times"),
        ({**DAILY, "times": []}, "empty", "times"),
        ({**DAILY, "dst_gap": "jump"}, "bad_value", "dst_gap"),
        ({**DAILY, "max_occurrences": 3}, "required", "starts_at"),
        ({**DAILY, "jitter": 90_000}, "out_of_range", "jitter"),
        (
            {**DAILY, "starts_at": "2026-02-01T00:00:00", "ends_at": "2026-01-01T00:00:00"},
            "out_of_range",
            "ends_at",
        ),
        (
            {**DAILY, "starts_at": "2026-01-01T10:00:00", "ends_at": "2026-01-01T11:00:00"},
            "never",
            "ends_at",
        ),
        ({"kind": "monthly", "days": [0], "times": ["09:00"]}, "out_of_range", "days"),
        ({"kind": "monthly", "times": ["09:00"]}, "empty", "days"),
        ({"kind": "monthly", "nth": ["6mo"], "times": ["09:00"]}, "bad_value", "nth"),
        ({"kind": "yearly", "days": [1], "times": ["09:00"]}, "empty", "months"),
        ({"kind": "yearly", "months": [2], "days": [30], "times": ["09:00"]}, "never", "days"),
        (
            {"kind": "interval", "every": 1, "unit": "months", "basis": "elapsed"},
            "bad_value",
            "basis",
        ),
        ({"kind": "dates", "dates": ["2026-02-30T09:00:00"]}, "bad_date", "dates"),
        ({"kind": "dates", "dates": []}, "empty", "dates"),
        ({"kind": "union", "of": []}, "empty", "of"),
        (
            {"kind": "union", "of": [DAILY, {"kind": "cron", "expression": "61 * * * *"}]},
            "out_of_range",
            "of.1.minute",
        ),
        ({"kind": "except", "from": DAILY, "minus": DAILY}, "too_costly", "minus"),
        ({"kind": "union", "of": [DAILY] * 1_000}, "too_many", "of"),
    ],
)
def test_fault_of_the_form_names_its_field(document: Any, code: str, field: str) -> None:
    with pytest.raises(RecurrenceError) as refused:
        parse(document)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_fault_of_a_line_is_its_answer() -> None:
    told = json.loads(answer('{"id": 7, "recurrence": {"kind": "lunar"}, "after": 1}'))
    assert told["id"] == 7
    assert set(told) == {"id", "error"}
    assert {"code", "field", "message"} <= set(told["error"])
    for garbage in ("nonsense", "[]", "1", '{"id": 1}', "{" * 5_000):
        assert "error" in json.loads(answer(garbage))
