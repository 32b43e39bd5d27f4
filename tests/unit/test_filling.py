"""Parents' results in payloads."""

from functools import partial

import pytest

from jobs import filling
from jobs.filling import BadPlaceholder, NothingThere, TooMuch, names_in

filled = partial(filling.filled, most=1_000)
PARENTS = {
    "a": {
        "status": "succeeded",
        "error": "",
        "result": {"n": 3, "deep": {"list": [10, {"x-y": None}]}, "text": "{{ parents.a.status }}"},
    }
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ parents.a.result.n }}", 3),
        ("{{parents.a.result.n}}", 3),
        ("n={{ parents.a.result.n }}!", "n=3!"),
        ("{{ parents.a.result.deep.list.0 }}", 10),
        ("{{ parents.a.result.deep.list.1.x-y }}", None),
        ("{{ parents.a.result.deep }}", {"list": [10, {"x-y": None}]}),
        ("[{{ parents.a.result.deep.list }}]", '[[10, {"x-y": null}]]'),
        ("{{ parents.a.status }}", "succeeded"),
        ("{{ occurrence }} {{ x", "{{ occurrence }} {{ x"),
    ],
)
def test_placeholder_becomes_its_value(text, value):
    assert filled({"k": [text]}, PARENTS) == {"k": [value]}


def test_what_a_parent_answered_is_not_looked_at_again():
    assert filled("{{ parents.a.result.text }}", PARENTS) == "{{ parents.a.status }}"


@pytest.mark.parametrize(
    "path", ["result.m", "result.n.x", "result.deep.list.2", "result.deep.list.x"]
)
def test_value_that_is_not_there_is_no_empty_text(path):
    with pytest.raises(NothingThere, match=path):
        filled(f"x {{{{ parents.a.{path} }}}}", PARENTS)


def test_keys_and_the_payload_given_stay_as_they_are():
    payload = {"{{ parents.a.status }}": "{{ parents.a.status }}"}
    assert filled(payload, PARENTS) == {"{{ parents.a.status }}": "succeeded"}
    assert payload == {"{{ parents.a.status }}": "{{ parents.a.status }}"}
    assert names_in(payload) == {"a"}


@pytest.mark.parametrize(
    "text", ["{{ parents.a }}", "{{ parents.a.result", "{{ parents }}", "{{ parents.a.other.x }}"]
)
def test_placeholder_that_cannot_be_read_is_told(text):
    with pytest.raises(BadPlaceholder):
        names_in([text])


@pytest.mark.parametrize("value", ["x" * 400, ["x" * 395]])
def test_many_placeholders_of_one_large_value_end_at_what_a_payload_may_hold(value):
    parents = {"a": {"result": value}}
    placeholder = "{{ parents.a.result }}"
    assert filled({"k": [placeholder] * 2}, parents) == {"k": [value] * 2}
    for payload in ([placeholder] * 3, placeholder * 3, [f"-{placeholder}"] * 3):
        with pytest.raises(TooMuch):
            filled({"k": payload}, parents)
