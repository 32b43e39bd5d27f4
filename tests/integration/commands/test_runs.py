"""A command's run, from its payload to its outcome, in a real sandbox."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest

from jobs.engine import Engine
from jobs.handlers.command.kind import CommandRunner
from jobs.handlers.command.probe import SandboxUnavailable
from jobs.handlers.context import AttemptContext
from jobs.handlers.registry import find_kind
from jobs.outcomes import Outcome, Result
from tests.handlers_kit import make_attempt
from tests.integration.commands.kit import (
    SMALL,
    allowing,
    needs_sandbox,
    opened_runner,
    processes_with,
    run_command,
    run_script,
    shell,
    unique_word,
    until,
    written,
)

OURS, THEIRS = UUID(int=7), UUID(int=8)


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.TASKFLOW_ALLOWED_COMMANDS = allowing(
        shell=shell(),
        say={
            "argv": ["/usr/bin/printf", "[%s]", "{first}", "{second}"],
            "parameters": {"first": {}, "second": {"default": "two"}},
            "environment": {"GREETING": "hello"},
            "merchants": [str(OURS)],
            "limits": SMALL,
        },
        greet={"argv": ["/usr/bin/env"], "environment": {"GREETING": "hi"}, "merchants": "all"},
        brief=shell(timeout=0.5, permanent_exit_codes=[64]),
        gone={"argv": ["/usr/bin/not-there"], "merchants": "all", "limits": SMALL},
    )


def failure(outcome: Outcome) -> tuple[Result, str]:
    assert outcome.failure is not None, outcome
    return outcome.result, outcome.failure.code


@needs_sandbox
def test_what_a_command_writes_is_its_result() -> None:
    outcome = run_script("echo out; echo err >&2")
    assert outcome.result is Result.SUCCEEDED
    assert outcome.output.pop("duration_ms") > 0
    assert outcome.output == {
        "exit_code": 0,
        "stdout": "out\n",
        "stderr": "err\n",
        "stdout_bytes": 4,
        "stderr_bytes": 4,
        "truncated": False,
    }


@needs_sandbox
@pytest.mark.parametrize("value", ["a b", "; id", "$(id)", "`id`", "a\nb", "'\"", "*", "\\0", ""])
def test_a_value_arrives_as_one_word_that_no_shell_has_read(value: str) -> None:
    assert written(run_command("say", first=value)) == f"[{value}][two]"


@needs_sandbox
def test_the_exit_code_is_kept_and_another_attempt_may_mend_it() -> None:
    outcome = run_script("echo said; exit 3")
    assert failure(outcome) == (Result.FAILED, "exit_3")
    assert (outcome.output["exit_code"], outcome.output["stdout"]) == (3, "said\n")


@needs_sandbox
def test_an_exit_code_that_the_operator_calls_permanent_is_not_tried_again() -> None:
    assert failure(run_command("brief", script="exit 64")) == (Result.REJECTED, "exit_64")
    assert failure(run_script("exit 64")) == (Result.FAILED, "exit_64")


@needs_sandbox
def test_a_command_that_is_killed_says_by_what() -> None:
    outcome = run_script("kill -KILL $$")
    assert failure(outcome) == (Result.FAILED, "exit_137")
    assert "SIGKILL" in outcome.failure.message  # type: ignore[union-attr]


@needs_sandbox
def test_a_program_that_is_not_there_fails_with_its_name() -> None:
    outcome = run_command("gone")
    assert failure(outcome) == (Result.FAILED, "exit_127")
    assert "/usr/bin/not-there" in outcome.output["stderr"]


@needs_sandbox
def test_the_commands_own_limit_ends_it_before_the_jobs() -> None:
    outcome = run_command("brief", script="echo before; sleep 60")
    assert failure(outcome) == (Result.TIMED_OUT, "timeout")
    assert outcome.output["stdout"] == "before\n"
    assert outcome.output["exit_code"] is None
    assert find_kind("command").time_limit({"command": "brief"}) == 0.5
    assert find_kind("command").time_limit({"command": "shell"}) is None


@needs_sandbox
@pytest.mark.parametrize("letter", ["x", "\\001", "\\303\\251", '\\"'])
def test_endless_output_is_cut_in_the_middle_and_never_over_the_limit(
    settings: Any, letter: str
) -> None:
    settings.TASKFLOW_ENGINE = Engine(output_limit=4000)
    loop = f'perl -e \'print "begin"; print "{letter}" x 500000; print "end"\''
    outcome = run_script(f"{loop}; {loop} >&2")
    assert outcome.result is Result.SUCCEEDED
    output = outcome.output
    assert output["truncated"] is True
    assert output["stdout_bytes"] >= 500_008
    assert output["stdout"].startswith("begin")
    assert len(json.dumps(output, ensure_ascii=False).encode()) <= 4000
    if letter == "x":
        assert output["stdout"].endswith("end")
        assert "bytes were left out" in output["stdout"]


@needs_sandbox
def test_output_that_no_database_takes_is_made_storable() -> None:
    assert written(run_script("printf 'a\\000b\\377'")) == "a\ufffdb\ufffd"


@needs_sandbox
def test_the_operators_environment_and_the_jobs_numbers_are_there() -> None:
    lines = written(run_command("greet")).splitlines()
    assert "GREETING=hi" in lines
    assert "TASKFLOW_ATTEMPT=1" in lines
    assert {line.split("=")[0] for line in lines} == {
        "GREETING",
        "HOME",
        "LANG",
        "PATH",
        "PWD",
        "TASKFLOW_ATTEMPT",
        "TASKFLOW_JOB_ID",
    }


@needs_sandbox
def test_another_merchants_command_does_not_run() -> None:
    assert failure(run_command("say", merchant=THEIRS, first="x")) == (
        Result.REJECTED,
        "command_not_allowed",
    )
    assert run_command("say", merchant=OURS, first="x").result is Result.SUCCEEDED


@needs_sandbox
def test_a_command_that_was_taken_off_the_list_does_not_run(settings: Any) -> None:
    settings.TASKFLOW_ALLOWED_COMMANDS = allowing(shell=shell())
    assert failure(run_command("say", first="x")) == (Result.REJECTED, "invalid_payload")


@needs_sandbox
def test_a_cancelled_command_leaves_no_process() -> None:
    word = unique_word()

    async def scenario() -> None:
        script = f"trap '' TERM; setsid sleep 300 & sh -c 'sleep 300 # {word}'"
        payload = {"command": "shell", "arguments": {"script": script}}
        attempt = make_attempt(payload, kind="command")
        running = asyncio.create_task(runner.run(attempt, AttemptContext(attempt)))
        await asyncio.to_thread(until, lambda: processes_with(word), "it runs")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert processes_with(word) == []

    runner = opened_runner()
    asyncio.run(scenario())


@needs_sandbox
def test_a_cancel_at_any_moment_of_the_start_leaves_no_process() -> None:
    word = unique_word()

    async def scenario(steps: int) -> None:
        payload = {"command": "shell", "arguments": {"script": f"sleep 300 # {word}"}}
        attempt = make_attempt(payload, kind="command")
        running = asyncio.create_task(runner.run(attempt, AttemptContext(attempt)))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert processes_with(word) == []

    runner = opened_runner()
    for steps in range(12):
        asyncio.run(scenario(steps))


@needs_sandbox
def test_many_at_once_do_not_meet() -> None:
    async def scenario() -> list[Outcome]:
        attempts = [
            make_attempt(
                {"command": "shell", "arguments": {"script": f"echo {n} > /tmp/n; cat /tmp/*"}},
                kind="command",
            )
            for n in range(12)
        ]
        runs = (runner.run(attempt, AttemptContext(attempt)) for attempt in attempts)
        return await asyncio.gather(*runs)

    runner = opened_runner()
    assert [written(outcome) for outcome in asyncio.run(scenario())] == [
        f"{n}\n" for n in range(12)
    ]


def test_a_process_that_tried_no_sandbox_runs_nothing() -> None:
    attempt = make_attempt({"command": "shell", "arguments": {"script": "echo x"}}, kind="command")
    outcome = asyncio.run(CommandRunner().run(attempt, AttemptContext(attempt)))
    assert failure(outcome) == (Result.FAILED, "sandbox_unavailable")
    assert outcome.output is None


@pytest.mark.parametrize("program", ["/nowhere/bwrap", "/bin/true", "/bin/false", "/bin/cat"])
def test_without_a_working_bubblewrap_nothing_is_opened(settings: Any, program: str) -> None:
    allowed = allowing(shell=shell())
    settings.TASKFLOW_ALLOWED_COMMANDS = type(allowed)(
        commands=allowed.commands, bubblewrap=program
    )
    runner = CommandRunner()
    with pytest.raises(SandboxUnavailable):
        asyncio.run(runner.open())
    attempt = make_attempt({"command": "shell", "arguments": {"script": "echo x"}}, kind="command")
    outcome = asyncio.run(runner.run(attempt, AttemptContext(attempt)))
    assert failure(outcome) == (Result.FAILED, "sandbox_unavailable")
