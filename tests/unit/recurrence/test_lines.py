"""Bulk answers: one line each, whatever the line holds; and the command as a program in a pipe."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from templates_app.recurrence import lines
from templates_app.recurrence.lines import answer

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, str(ROOT / "manage.py"), "occurrences"]
QUESTION = (
    '{"id": 1, "recurrence": {"kind": "daily", "times": ["09:00"]},'
    ' "after": "2026-01-01T00:00:00+00:00"}'
)
ANSWER = {"id": 1, "occurrences": ["2026-01-01T09:00:00+00:00"]}
LONGEST_WAIT = 60  # seconds


@pytest.fixture
def program() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as running:
        yield running
        running.kill()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (QUESTION.replace("daily", r"\ud800"), "bad_text"),
        (QUESTION.replace("daily", r"\u0000"), "bad_text"),
        (QUESTION.replace('["09:00"]', '["09:00"], "jitter": 60')[:-1] + r', "seed": "\ud800"}', "bad_text"),
        (QUESTION.replace("daily", r"a\u2028b"), "unknown_kind"),
        (QUESTION.replace("daily", "a\u0085b"), "unknown_kind"),
        (QUESTION.replace('"id": 1', r'"id": "\ud800"').replace("daily", "x"), "unknown_kind"),
        (QUESTION.replace('"id": 1', '"id": NaN'), "bad_json"),
        (QUESTION.replace('"id": 1', '"id": [1e999]'), "bad_json"),
        (QUESTION[:-1] + ', "seed": []}', "wrong_type"),
        ('{"id": 1}', "required"),
        (QUESTION.replace('{"kind": "daily", "times": ["09:00"]}', "null"), "required"),
        ('{"id": "' + r"\"" * 200_000, "bad_json"),
    ],
)  # fmt: skip
def test_fault_is_one_line_of_valid_json(line: str, code: str) -> None:
    told = answer(line)
    assert told.isascii()
    assert len(told.splitlines()) == 1
    assert json.loads(told, parse_constant=pytest.fail)["error"]["code"] == code


@pytest.mark.parametrize("depth", [*range(15, 25), *range(980, 1_000), 100_000])
@pytest.mark.parametrize("place", ['"09:00"', '"2026-01-01T00:00:00+00:00"', "1"])
def test_deep_nesting_is_a_fault_like_another(place: str, depth: int) -> None:
    told = json.loads(answer(QUESTION.replace(place, "[" * depth + "]" * depth, 1)))
    assert set(told) == {"id", "occurrences"} or set(told) == {"id", "error"}
    assert "error" not in told or told["error"]["code"] != "internal"


def test_brackets_in_texts_are_no_nesting() -> None:
    asked = QUESTION.replace('"id": 1', json.dumps({"id": '\\"[{' * 50})[1:-1])
    assert json.loads(answer(asked))["occurrences"] == ANSWER["occurrences"]


def test_fault_of_the_engine_is_an_answer_and_logged_without_the_users_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("text of the user")

    monkeypatch.setattr(lines, "parse", broken)
    with caplog.at_level(logging.ERROR):
        told = json.loads(answer(QUESTION))
    assert (told["id"], told["error"]["code"]) == (1, "internal")
    assert "ZeroDivisionError" in caplog.text
    assert "text of the user" not in caplog.text


def test_lines_are_answered_in_order_and_blank_ones_passed_over() -> None:
    asked = [QUESTION.replace('"id": 1', f'"id": {number}') for number in range(300)]
    text = "\n \n".join(asked).encode() + b'\n\xff{"id":\n' + QUESTION.encode()
    done = subprocess.run(COMMAND, input=text, capture_output=True, cwd=ROOT, check=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["id"] for one in told] == [*range(300), None, 1]
    assert told[300]["error"]["code"] == "bad_json"


def test_pipe_may_ask_and_listen_in_turn(program: subprocess.Popen[bytes]) -> None:
    assert program.stdin is not None
    assert program.stdout is not None
    signal.alarm(LONGEST_WAIT)
    try:
        for number in range(3):
            # In two pieces, as a slow writer sends them.
            asked = QUESTION.replace('"id": 1', f'"id": {number}').encode() + b"\n"
            for piece in (asked[:30], asked[30:]):
                program.stdin.write(piece)
                program.stdin.flush()
            assert json.loads(program.stdout.readline()) == {**ANSWER, "id": number}
        program.stdin.close()
        assert program.wait() == 0
    finally:
        signal.alarm(0)


def test_reader_that_leaves_ends_the_program_quietly(program: subprocess.Popen[bytes]) -> None:
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    # It may have gone before all is written.
    try:
        program.stdin.write((QUESTION + "\n").encode() * 20_000)
        program.stdin.close()
    except BrokenPipeError:
        assert program.poll() is not None or program.wait(LONGEST_WAIT) is not None
    assert program.wait(LONGEST_WAIT) == 128 + signal.SIGPIPE
    assert program.stderr.read() == b""


def test_closed_input_ends_the_program_quietly() -> None:
    shell = ["/bin/sh", "-c", '"$0" "$1" occurrences <&-', sys.executable, str(ROOT / "manage.py")]
    done = subprocess.run(shell, capture_output=True, cwd=ROOT, check=False, env=os.environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
