"""The operator's file: what it may say, and what is refused before anything starts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from jobs.handlers.command.allow_list import (
    AllowList,
    InvalidAllowList,
    parse_allow_list,
    read_allow_list,
)
from jobs.handlers.command.payload import parse_payload
from jobs.handlers.kinds import InvalidPayload

ROOT = Path(__file__).resolve().parents[2]
MERCHANT = "01980000-0000-7000-8000-000000000001"


def definition(**changes):
    return {
        "argv": ["/usr/bin/report", "--day={day}", "{format}"],
        "parameters": {
            "day": {"type": "string", "pattern": "^[0-9-]{10}$"},
            "format": {"enum": ["pdf", "csv"], "default": "pdf"},
        },
        "merchants": [MERCHANT],
        **changes,
    }


def allowing(**changes):
    return parse_allow_list({"commands": {"report": definition(**changes)}})


def call(**arguments):
    payload = {"command": "report", "arguments": arguments}
    return parse_payload(payload, allowing()).argv


def refusal(payload, allowed=None):
    with pytest.raises(InvalidPayload) as refused:
        parse_payload(payload, allowing() if allowed is None else allowed)
    (problem,) = refused.value.problems
    return problem.pointer, problem.message


def test_a_payload_fills_the_template_and_defaults_fill_the_rest():
    assert call(day="2030-01-31") == ("/usr/bin/report", "--day=2030-01-31", "pdf")
    assert call(day="2030-01-31", format="csv")[2] == "csv"


@pytest.mark.parametrize(
    ("arguments", "pointer"),
    [
        ({}, "/arguments/day"),
        ({"day": "tomorrow"}, "/arguments/day"),
        ({"day": ["2030-01-31"]}, "/arguments/day"),
        ({"day": "2030-01-31", "format": "exe"}, "/arguments/format"),
        ({"day": "2030-01-31", "shell": "sh"}, "/arguments/shell"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, pointer):
    with pytest.raises(InvalidPayload) as refused:
        parse_payload({"command": "report", "arguments": arguments}, allowing())
    assert {problem.pointer for problem in refused.value.problems} == {pointer}


def test_an_unknown_command_is_refused_without_naming_the_known_ones():
    pointer, message = refusal({"command": "rm"})
    assert pointer == "/command"
    assert "report" not in message


def test_nothing_is_allowed_unless_the_operator_says_so():
    assert read_allow_list("") == AllowList()
    assert not AllowList().is_on
    assert "switched off" in refusal({"command": "report"}, AllowList())[1]


def test_a_program_cannot_be_chosen_by_a_payload():
    assert refusal({"command": "/bin/sh"})[0] == "/command"
    pointer, _ = refusal({"command": "report", "argv": ["/bin/sh"]})
    assert pointer == "/argv"


def test_a_command_line_has_a_limit():
    free = {"argv": ["/bin/x", *["a{day}"] * 20], "parameters": {"day": {}}}
    pointer, _ = refusal({"command": "report", "arguments": {"day": "x" * 8000}}, allowing(**free))
    assert pointer == "/arguments"


def test_a_command_is_for_the_merchants_that_are_named():
    command = allowing().commands["report"]
    assert command.allows(UUID(MERCHANT))
    assert not command.allows(UUID(int=7))
    assert allowing(merchants="all").commands["report"].allows(UUID(int=7))
    assert not allowing(merchants=[]).commands["report"].allows(UUID(MERCHANT))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"argv": []}, "/commands/report/argv"),
        ({"argv": ["report"]}, "/argv/0"),
        ({"argv": ["/bin/../bin/sh"]}, "/argv/0"),
        ({"argv": ["{day}"]}, "/argv/0"),
        ({"argv": ["/bin/{day}"]}, "/argv/0"),
        ({"argv": ["/bin/x", "{day"]}, "/argv/1"),
        ({"argv": ["/bin/x", "{other}"]}, "other"),
        ({"argv": ["/bin/x"]}, "used nowhere"),
        ({"merchants": "everybody"}, "/merchants"),
        ({"merchants": ["*"]}, "/merchants"),
        ({"limits": {"memory_bytes": 1}}, "/limits/memory_bytes"),
        ({"limits": {"memory": 1}}, "/limits/memory"),
        ({"timeout": 0}, "/timeout"),
        ({"readable": ["/"]}, "/readable/0"),
        ({"readable": ["/proc/1"]}, "/readable/0"),
        ({"readable": ["/tmp"]}, "/readable/0"),
        ({"readable": ["/srv/../proc"]}, "/readable/0"),
        ({"environment": {"A=B": "x"}}, "/environment"),
        ({"environment": {"A": 5}}, "/environment/A"),
        ({"parameters": {"day": {"type": "text"}, "format": {}}}, "/parameters"),
        (
            {"parameters": {"day": {}, "format": {"enum": ["pdf"], "default": "exe"}}},
            "/parameters/format/default",
        ),
        ({"shell": True}, "/commands/report/shell"),
    ],
)
def test_a_definition_that_cannot_be_meant_is_refused_by_its_place(changes, part):
    with pytest.raises(InvalidAllowList) as refused:
        allowing(**changes)
    assert part in str(refused.value)


def test_who_may_use_a_command_must_be_said():
    without = definition()
    del without["merchants"]
    with pytest.raises(InvalidAllowList, match="/commands/report/merchants is required"):
        parse_allow_list({"commands": {"report": without}})


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"commands": {}}', '{"commands": NaN}', "\xff"]
)
def test_a_broken_file_is_named(tmp_path, content):
    file = tmp_path / "commands.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidAllowList, match=r"commands\.json"):
        read_allow_list(str(file))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidAllowList, match="cannot read"):
        read_allow_list(str(tmp_path / "none.json"))


def test_an_environment_is_never_shown():
    allowed = allowing(environment={"TOKEN": "hush-hush"})
    assert "hush-hush" not in repr(allowed)


def test_every_process_refuses_to_start_with_a_broken_list(tmp_path):
    file = tmp_path / "commands.json"
    file.write_text(json.dumps({"commands": {"report": {"argv": ["report"]}}}))
    environment = {**os.environ, "TASKFLOW_COMMANDS": str(file)}
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "TASKFLOW_COMMANDS" in run.stderr
    assert "/commands/report/merchants" in run.stderr
