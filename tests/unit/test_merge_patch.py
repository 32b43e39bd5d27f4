"""JSON Merge Patch: the examples of RFC 7386, appendix A, and what differs."""

import json

import pytest

from jobs.merge_patch import MOST_DIFFERENCES, Difference, differences, merged

APPENDIX_A = """
{"a":"b"} | {"a":"c"} | {"a":"c"}
{"a":"b"} | {"b":"c"} | {"a":"b","b":"c"}
{"a":"b"} | {"a":null} | {}
{"a":"b","b":"c"} | {"a":null} | {"b":"c"}
{"a":["b"]} | {"a":"c"} | {"a":"c"}
{"a":"c"} | {"a":["b"]} | {"a":["b"]}
{"a":{"b":"c"}} | {"a":{"b":"d","c":null}} | {"a":{"b":"d"}}
{"a":[{"b":"c"}]} | {"a":[1]} | {"a":[1]}
["a","b"] | ["c","d"] | ["c","d"]
{"a":"b"} | ["c"] | ["c"]
{"a":"foo"} | null | null
{"a":"foo"} | "bar" | "bar"
{"e":null} | {"a":1} | {"e":null,"a":1}
[1,2] | {"a":"b","c":null} | {"a":"b"}
{} | {"a":{"bb":{"ccc":null}}} | {"a":{"bb":{}}}
"""
EXAMPLES = [
    tuple(json.loads(part) for part in line.split(" | ")) for line in APPENDIX_A.split("\n") if line
]


@pytest.mark.parametrize(("target", "patch", "expected"), EXAMPLES)
def test_the_examples_of_the_rfc(target, patch, expected):
    before = json.dumps([target, patch])
    assert merged(target, patch) == expected
    assert json.dumps([target, patch]) == before


def test_each_place_that_differs_is_named_once():
    before = {"same": 1, "gone": [1], "deep": {"a/b": "x", "n": 1}, "list": [1, 2]}
    after = {"same": 1, "new": None, "deep": {"a/b": "y", "n": True}, "list": [1, 3]}
    assert differences(before, after) == [
        Difference("/deep/a~1b", "changed", "x", "y"),
        Difference("/deep/n", "changed", 1, True),
        Difference("/gone", "removed", [1]),
        Difference("/list", "changed", [1, 2], [1, 3]),
        Difference("/new", "added", after=None),
    ]
    assert differences(after, after) == []


def test_endless_differences_are_bounded():
    assert len(differences({}, {str(number): 1 for number in range(999)})) == MOST_DIFFERENCES
