"""What a template may ask of its jobs: the same rules as a new job, its payload not filled in yet."""

from typing import Any
from uuid import UUID

import pytest

from jobs.operations.blueprint import Blueprint, read_blueprint
from jobs.operations.fields import Fields, InvalidFields
from jobs.operations.work import check_work

DRAFT: dict[str, Any] = {
    "kind": "http",
    "payload": {"url": "https://shop.example/{{ occurrence }}"},
}


def faults(data):
    with pytest.raises(InvalidFields) as caught:
        read_blueprint(data, pointer="/job")
    return {(problem.pointer, problem.code) for problem in caught.value.problems}


def test_a_draft_is_read_with_the_defaults_of_a_job_and_its_payload_as_sent():
    assert read_blueprint(DRAFT, pointer="/job") == Blueprint(
        kind="http",
        payload=DRAFT["payload"],
        priority=5,
        max_attempts=5,
        backoff=None,
        timeout=60.0,
        name="",
        tags=[],
        metadata={},
    )


def test_a_payload_that_fits_its_kind_only_when_filled_in_is_no_fault_of_the_draft():
    assert read_blueprint({**DRAFT, "payload": {"{{": "}}"}}, pointer="").payload == {"{{": "}}"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "nonsense"}, ("/job/kind", "unknown_kind")),
        ({"kind": 7}, ("/job/kind", "wrong_type")),
        ({"payload": "{{ occurrence }}"}, ("/job/payload", "wrong_type")),
        ({"payload": {"x": "y" * 140_000}}, ("/job/payload", "too_large")),
        ({"priority": 11}, ("/job/priority", "out_of_range")),
        ({"max_attempts": 0}, ("/job/max_attempts", "out_of_range")),
        ({"timeout": "1"}, ("/job/timeout", "wrong_type")),
        ({"timeout": True}, ("/job/timeout", "wrong_type")),
        ({"max_attempts": True}, ("/job/max_attempts", "wrong_type")),
        ({"priority": False}, ("/job/priority", "wrong_type")),
        ({"backoff": True}, ("/job/backoff", "wrong_type")),
        ({"backoff": {"jitter": True}}, ("/job/backoff/jitter", "wrong_type")),
        ({"backoff": {"base": -1}}, ("/job/backoff/base", "out_of_range")),
        ({"tags": [""]}, ("/job/tags/0", "blank")),
        ({"metadata": []}, ("/job/metadata", "wrong_type")),
        ({"run_at": "2030-01-01T00:00:00Z"}, ("/job/run_at", "unknown_field")),
        ({"delay": 5}, ("/job/delay", "unknown_field")),
        ({"deadline": "2030-01-01T00:00:00Z"}, ("/job/deadline", "unknown_field")),
    ],
)
def test_a_fault_is_named_where_it_is(changes, expected):
    assert faults({**DRAFT, **changes}) == {expected}


@pytest.mark.parametrize("backoff", [True, 5, "5", []])
def test_a_backoff_that_is_no_object_is_told_with_its_name_and_the_remedy(backoff):
    with pytest.raises(InvalidFields) as caught:
        read_blueprint({**DRAFT, "backoff": backoff}, pointer="")
    [problem] = caught.value.problems
    assert problem.detail == (
        '"backoff" must be an object such as {"base": 5}; leave it out for none.'
    )


@pytest.mark.parametrize("missing", ["kind", "payload"])
def test_kind_and_payload_are_required(missing):
    draft = {name: value for name, value in DRAFT.items() if name != missing}
    assert faults(draft) == {(f"/job/{missing}", "required")}


def test_all_faults_come_at_once():
    assert len(faults({"kind": "x", "payload": 1, "priority": -1, "name": 5})) == 4


def test_the_filled_in_payload_is_checked_as_a_jobs():
    fields = Fields({}, (), "/job")
    merchant = UUID(int=7)
    good, bad = {"url": "https://shop.example/1"}, {"url": "ftp://shop.example/1"}
    assert check_work("http", good, fields, merchant_id=merchant) is not None
    assert check_work("http", bad, fields, merchant_id=merchant) is None
    assert {problem.code for problem in fields.problems} == {"invalid_payload"}
