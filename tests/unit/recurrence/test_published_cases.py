"""What other schedulers' test suites and the RFC expect, asked of the whole engine."""

import json
from datetime import datetime
from typing import Any

import pytest

from templates_app.recurrence.lines import answer
from tests.unit.recurrence.published import cases, recurrence_of


@pytest.mark.parametrize("case", cases("recurrence_examples.jsonl"), ids=lambda case: case["id"])
def test_published_case_gives_its_answer(case: dict[str, Any]) -> None:
    asked = max(case["count"], 1) + case["ends"]
    question = {
        "id": case["id"],
        "recurrence": recurrence_of(case),
        "after": case.get("after", case["start"]),
        "inclusive": case["inclusive"],
        "count": asked,
    }
    told = json.loads(answer(json.dumps(question)))
    if not case["expected"] and case["ends"]:
        assert told.get("error", {}).get("code") == "never", told
        return
    assert "error" not in told, told["error"]
    found = [datetime.fromisoformat(one) for one in told["occurrences"]]
    expected = [datetime.fromisoformat(one) for one in case["expected"]]
    assert found[: len(expected)] == expected
    assert [one.utcoffset() for one in found[: len(expected)]] == [
        one.utcoffset() for one in expected
    ]
    assert not case["ends"] or len(found) == len(expected), "something follows"
    assert not {*case.get("not_expected", ())} & set(told["occurrences"])
