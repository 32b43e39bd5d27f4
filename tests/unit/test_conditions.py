"""CEL over parents' results: what holds, what has no answer, and what is not let in."""

from typing import Any

import pytest

from jobs.conditions import InvalidCondition, UndecidedCondition, check_condition, holds

PARENTS: dict[str, dict[str, Any]] = {
    "a": {
        "status": "succeeded",
        "error": "",
        "result": {"rows": 3, "share": 2.5, "name": "x", "list": [1, 2], "none": None, "ok": True},
    },
    "b": {"status": "failed", "error": "timeout", "result": None},
}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("parents.a.result.rows > 2", True),
        ("parents.a.result.rows > 3", False),
        ("parents.a.result.rows > 2.5", True),
        ("parents.a.result.share == 2.5", True),
        ("parents.a.result.ok", True),
        ("2 in parents.a.result.list && size(parents.a.result.list) == 2", True),
        ("parents.a.result.none == null", True),
        ("has(parents.a.result.other)", False),
        ("has(parents.a.result.rows) ? parents.a.result.rows == 3 : false", True),
        ("parents.a.status == 'succeeded' && parents.b.error == 'timeout'", True),
        ("parents['b'].result == null", True),
        ("parents.a.result.name.startsWith('x')", True),
    ],
)
def test_condition_holds_or_not(text, answer):
    check_condition(text)
    assert holds(text, PARENTS) is answer


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("parents.a.result.nothing > 1", "nothing"),
        ("parents.c.status == 'x'", "c"),
        ("parents.a.result.rows / 0 > 1", "divi"),
        ("parents.a.result.name", "neither true nor false"),
        ("parents.a.result.name > 1", "overload"),
        ("parents.a.result.rows + 9223372036854775807 > 0", "overflow"),
    ],
)
def test_condition_without_an_answer_says_why(text, why):
    check_condition(text)
    with pytest.raises(UndecidedCondition, match=why):
        holds(text, PARENTS)


def test_names_of_parents_are_found():
    assert check_condition("parents.a.status == parents.b2.status && true") == {"a", "b2"}


@pytest.mark.parametrize(
    "text",
    [
        "parents.a.result.list.all(x, x > 0)",
        "parents.a.result.list.exists (x, x > 0)",
        "[1, 2].map(x, x) == [1]",
        "parents.a.result.list.filter(x, true).size() > 0",
        "parents.a.result.list.exists_one(x, x == 1)",
        "parents.a.result.list.map\n(x, x) == []",
        "parents.a.result.name.matches('[ab]{999}')",
        "matches (parents.a.result.name, '[ab]{999}')",
        "(" * 240 + "true" + ")" * 240,
        "1",
        "true)",
        "x > 1",
        "",
        "'" * 499,
    ],
)
def test_expression_that_is_no_use_or_too_dear_is_refused(text):
    with pytest.raises(InvalidCondition):
        check_condition(text)


def test_results_that_python_holds_and_cel_does_not_never_crash():
    deep: list[Any] = []
    for _ in range(500):
        deep = [deep]
    for result in (deep, 10**400):
        with pytest.raises(UndecidedCondition):
            holds("parents.a.result == 1", {"a": {"result": result}})
    assert holds("parents.a.result > 1", {"a": {"result": 2**70}})
