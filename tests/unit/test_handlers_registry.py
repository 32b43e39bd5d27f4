"""The registry of kinds, and the schemas that never open anything."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from jobs.handlers.python_functions import Backoff, InvalidHandler, handler, registered
from jobs.handlers.python_plugins import known_handlers, load_plugins
from jobs.handlers.registry import (
    ASYNC,
    PROCESS,
    InvalidPayload,
    UnknownKind,
    find_kind,
    kind_names,
    most_active,
    validate_payload,
)
from jobs.handlers.schemas import InvalidSchema, PayloadSchema


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    before = dict(known_handlers())
    yield
    registered().clear()
    registered().update(before)


def test_kinds_are_found_by_name() -> None:
    assert kind_names() == ("command", "http", "publish", "python")
    assert [find_kind(name).name for name in kind_names()] == [
        "command",
        "http",
        "publish",
        "python",
    ]


@pytest.mark.parametrize("name", ["", "HTTP", "shell", "x" * 100_000])
def test_unknown_kind_is_refused_with_the_known_ones(name: str) -> None:
    names = 'use one of "command", "http", "publish", "python"'
    with pytest.raises(UnknownKind, match=names) as refused:
        validate_payload(name, {})
    assert len(str(refused.value)) < 200


def test_lane_and_handler_come_from_the_payload() -> None:
    http, python = find_kind("http"), find_kind("python")
    assert (http.lane({"url": "x"}), http.handler({"url": "x"})) == (ASYNC, "")
    assert python.lane({"handler": "demo.sleep"}) == ASYNC
    assert python.lane({"handler": "demo.echo"}) == PROCESS
    assert python.handler({"handler": "demo.echo"}) == "demo.echo"
    assert python.lane({"handler": "gone.since"}) == PROCESS


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        (None, ""),
        ({}, "/handler"),
        ({"handler": 5}, "/handler"),
        ({"handler": "demo.nothing"}, "/handler"),
        ({"handler": "demo.noop", "args": {}}, "/args"),
        ({"handler": "demo.noop", "arguments": []}, "/arguments"),
        ({"handler": "demo.noop", "arguments": {"a": 1}}, "/arguments/a"),
        ({"handler": "demo.sleep", "arguments": {"seconds": -1}}, "/arguments/seconds"),
        ({"handler": "demo.sleep", "arguments": {"seconds": 3601}}, "/arguments/seconds"),
        ({"handler": "demo.sleep", "arguments": {"seconds": "1"}}, "/arguments/seconds"),
        ({"handler": "demo.fail", "arguments": {"times": 1.5}}, "/arguments/times"),
    ],
)
def test_python_payload_with_a_fault_names_its_place(payload: object, pointer: str) -> None:
    with pytest.raises(InvalidPayload) as refused:
        validate_payload("python", payload)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


def test_unknown_handler_is_told_the_known_ones() -> None:
    with pytest.raises(InvalidPayload, match=r"demo\.echo, demo\.fail, demo\.noop, demo\.sleep"):
        validate_payload("python", {"handler": "demo.nothing"})


def test_arguments_without_a_schema_are_checked_against_the_signature() -> None:
    @handler("tests.two")
    def two(context: object, a: int, *, b: int = 0) -> None: ...

    validate_payload("python", {"handler": "tests.two", "arguments": {"a": 1, "b": 2}})
    for arguments in ({}, {"a": 1, "c": 3}, {"a": 1, "context": 2}):
        with pytest.raises(InvalidPayload) as refused:
            validate_payload("python", {"handler": "tests.two", "arguments": arguments})
        assert refused.value.problems[0].pointer == "/arguments"


def test_wrong_declaration_of_a_handler_is_refused_by_name() -> None:
    def function(context: object) -> None: ...

    def other(context: object) -> None: ...

    for declared in (
        handler("Bad Name"),
        handler("tests.lane", lane="fast"),
        handler("tests.timeout", timeout=0),
        handler("tests.timeout", timeout=float("nan")),
        handler("tests.schema", arguments_schema={"type": "strin"}),
        handler("demo.noop"),
    ):
        with pytest.raises(InvalidHandler):
            declared(function)
    handler("tests.same")(function)
    handler("tests.same")(function)
    with pytest.raises(InvalidHandler, match="declared twice"):
        handler("tests.same")(other)


@pytest.mark.parametrize(
    "reference", ["http://127.0.0.1:9/x", "file:///etc/hostname", "https://example.com/", "#/nope"]
)
def test_schema_never_opens_another_document(reference: str) -> None:
    with pytest.raises(InvalidSchema):
        PayloadSchema({"properties": {"a": {"$ref": reference}}})


def test_hostile_pattern_answers_at_once() -> None:
    schema = PayloadSchema({"type": "string", "pattern": "^(a+)+$"})
    assert len(schema.problems("a" * 5000 + "!")) == 1


def test_number_of_problems_is_bounded() -> None:
    schema = PayloadSchema({"items": {"type": "string"}})
    assert len(schema.problems([1] * 10_000)) == 50


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare = (
        "from jobs.handlers.python_functions import handler\n@handler('{}')\ndef f(context): ...\n"
    )
    (tmp_path / "plugin_good.py").write_text(declare.format("good.one"))
    (tmp_path / "plugin_broken.py").write_text(declare.format("broken.one") + "1 / 0\n")
    (tmp_path / "plugin_late.py").write_text(declare.format("late.one"))
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("plugins")
def test_plugin_that_fails_to_import_is_named_and_takes_nobody_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = ("plugin_broken", "plugin_good", "plugin_missing", "plugin_late")
    points = [EntryPoint(name, name, "taskflow.handlers") for name in names]
    failed = load_plugins(points)
    assert set(failed) == {"plugin_broken", "plugin_missing"}
    assert "ZeroDivisionError" in failed["plugin_broken"]
    assert "plugin_broken" in caplog.text
    assert {"good.one", "late.one"} <= set(registered())
    assert "broken.one" not in registered()


@pytest.mark.parametrize(
    "options",
    [
        {"max_attempts": 0},
        {"max_attempts": 101},
        {"backoff": Backoff(base=0)},
        {"backoff": Backoff(base=10, cap=5)},
        {"backoff": Backoff(factor=0.5)},
        {"backoff": Backoff(jitter=2)},
        {"backoff": Backoff(strategy="random")},  # type: ignore[arg-type]
    ],
)
def test_handler_with_an_impossible_retry_policy_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidHandler, match=r'Handler "tests\.policy"'):
        handler("tests.policy", **options)(lambda context: None)
    assert "tests.policy" not in registered()


def test_handler_that_no_attempt_may_run_is_refused() -> None:
    with pytest.raises(InvalidHandler, match="max_concurrency is 1 or more"):
        handler("tests.never", max_concurrency=0)(lambda context: None)
    assert "tests.never" not in registered()


def test_bounds_of_handlers_are_known_by_kind_and_name() -> None:
    handler("tests.bounded", max_concurrency=3)(lambda context: None)
    handler("tests.free")(lambda context: None)
    bounds = most_active()
    assert bounds["python", "tests.bounded"] == 3
    assert ("python", "tests.free") not in bounds
