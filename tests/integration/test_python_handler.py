"""Python jobs in both lanes, the bundled handlers, and what handlers may do wrong."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from jobs.engine import Engine
from jobs.handlers.context import AttemptContext, AttemptTimedOut
from jobs.handlers.python_functions import PermanentFailure, RetryLater, handler, registered
from jobs.handlers.python_kind import run, run_in_process
from jobs.handlers.python_plugins import known_handlers
from jobs.handlers.registry import find_kind, validate_payload
from jobs.outcomes import Outcome, Result
from tests.handlers_kit import PATIENCE, make_attempt

SHORT = 0.2  # seconds: a time limit that is meant to strike


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    before = dict(known_handlers())
    yield
    registered().clear()
    registered().update(before)


def in_process(name: str, number: int = 1, **arguments: Any) -> Outcome:
    """Run one attempt in the process lane."""
    payload = {"handler": name, "arguments": arguments}
    validate_payload("python", payload)
    attempt = make_attempt(payload, number=number)
    return run_in_process(attempt, AttemptContext(attempt))


def on_loop(name: str, timeout: float = PATIENCE, **arguments: Any) -> Outcome:
    """Run one attempt in the async lane."""
    attempt = make_attempt({"handler": name, "arguments": arguments}, timeout=timeout)
    return asyncio.run(run(attempt, AttemptContext(attempt)))


def _failure(outcome: Outcome) -> tuple[Result, str]:
    assert outcome.failure is not None
    return outcome.result, outcome.failure.code


def test_demo_handlers_do_what_they_say() -> None:
    assert on_loop("demo.noop") == Outcome(result=Result.SUCCEEDED)
    assert in_process("demo.echo", a=1, b=[None]).output == {"a": 1, "b": [None]}
    assert on_loop("demo.sleep", seconds=0).output == {"slept": 0}
    assert in_process("demo.sleep", seconds=0).output == {"slept": 0}


def test_demo_fail_fails_as_often_as_asked() -> None:
    results = [in_process("demo.fail", number, times=2).result for number in (1, 2, 3)]
    assert results == [Result.FAILED, Result.FAILED, Result.SUCCEEDED]
    assert _failure(in_process("demo.fail", 9)) == (Result.FAILED, "demo_failure")
    permanent = in_process("demo.fail", permanent=True, message="no such order")
    assert _failure(permanent) == (Result.REJECTED, "permanent_failure")
    assert permanent.failure is not None
    assert permanent.failure.message == "no such order"


def test_logged_lines_stay_with_the_attempt() -> None:
    payload = {"handler": "demo.echo", "arguments": {"a": 1}}
    attempt = make_attempt(payload, number=4)
    context = AttemptContext(attempt)
    run_in_process(attempt, context)
    assert context.taken_log() == ("INFO echoing 1 arguments on attempt 4",)


class HTTPTooBusyError(Exception):
    """An exception with an awkward name."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("bad"), (Result.FAILED, "value_error")),
        (HTTPTooBusyError("busy"), (Result.FAILED, "http_too_busy_error")),
        (PermanentFailure("never"), (Result.REJECTED, "permanent_failure")),
        (RetryLater(5), (Result.FAILED, "retry_later")),
        (SystemExit(3), (Result.FAILED, "system_exit")),
        (TimeoutError("the handler's own"), (Result.FAILED, "timeout_error")),
    ],
)
def test_what_a_handler_raises_becomes_the_same_outcome_in_both_lanes(
    error: BaseException, expected: tuple[Result, str]
) -> None:
    @handler("tests.sync")
    def sync(context: AttemptContext) -> None:
        raise error

    @handler("tests.coroutine")
    async def coroutine(context: AttemptContext) -> None:
        raise error

    outcomes = [in_process("tests.sync"), in_process("tests.coroutine"), on_loop("tests.coroutine")]
    assert [_failure(outcome) for outcome in outcomes] == [expected] * 3


def test_retry_later_carries_its_seconds_and_refuses_nonsense() -> None:
    @handler("tests.later")
    def later(context: AttemptContext, seconds: float) -> None:
        raise RetryLater(seconds)

    assert in_process("tests.later", seconds=30).retry_after == 30
    assert in_process("tests.later", seconds=10**9).retry_after == 24 * 3600
    for nonsense in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="seconds from 0 up"):
            RetryLater(nonsense)


def test_traceback_shows_the_handlers_lines_and_no_values() -> None:
    @handler("tests.secret")
    def secret(context: AttemptContext, password: str) -> None:
        raise RuntimeError("refused\x00\ud800" + "x" * 50_000)

    failure = in_process("tests.secret", password="hunter2").failure
    assert failure is not None
    assert "hunter2" not in failure.detail
    assert "python_kind.py" not in failure.detail
    assert len(failure.detail) <= 8 * 1024
    assert len(failure.message) == 1000
    assert failure.message.startswith("refused\ufffd\ufffdx")


def test_traceback_names_the_line_that_failed() -> None:
    failure = in_process("demo.fail").failure
    assert failure is not None
    assert "raise DemoFailure(message)" in failure.detail
    assert "demo.py" in failure.detail


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, float("nan"), b"bytes", {"a": float("inf")}, {(1, 2): 3}]
)
def test_result_that_is_no_json_fails(value: Any) -> None:
    @handler("tests.value")
    def returns(context: AttemptContext) -> Any:
        return value

    assert _failure(in_process("tests.value")) == (Result.FAILED, "result_not_json")


def test_result_that_contains_itself_or_is_too_deep_fails() -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    @handler("tests.deep")
    def returns(context: AttemptContext, which: int) -> Any:
        return (loop, deep)[which]

    for which in (0, 1):
        outcome = in_process("tests.deep", which=which)
        assert _failure(outcome) == (Result.FAILED, "result_not_json")


def test_result_is_made_storable() -> None:
    @handler("tests.odd")
    def odd(context: AttemptContext) -> Any:
        return {"a\x00": "b\ud800", "plain": "\\u0000", 1: (1, 2)}

    assert in_process("tests.odd").output == {
        "a\ufffd": "b\ufffd",
        "plain": "\\u0000",
        "1": [1, 2],
    }


@pytest.mark.parametrize("text", ["x", '"', "é", "\n"])
def test_result_over_the_limit_is_cut_with_a_mark(settings: Any, text: str) -> None:
    settings.TASKFLOW_ENGINE = Engine(output_limit=1000)

    @handler("tests.long")
    def long(context: AttemptContext, size: int) -> str:
        return text * size

    for run_in_lane in (in_process, on_loop):
        assert run_in_lane("tests.long", size=10).output == text * 10
        output = run_in_lane("tests.long", size=5000).output
        assert output["truncated"] is True
        assert output["preview"].startswith('"')
        assert len(json.dumps(output, ensure_ascii=False).encode()) <= 1000


def test_coroutine_that_takes_too_long_times_out() -> None:
    ended: list[str] = []

    @handler("tests.slow")
    async def slow(context: AttemptContext) -> None:
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            ended.append("cleaned up")

    assert _failure(on_loop("tests.slow", timeout=SHORT)) == (Result.TIMED_OUT, "timeout")
    assert ended == ["cleaned up"]


def test_handlers_own_limit_ends_before_the_jobs() -> None:
    @handler("tests.limited", timeout=SHORT)
    async def limited(context: AttemptContext) -> None:
        assert context.remaining() <= SHORT
        await asyncio.sleep(PATIENCE)

    assert _failure(on_loop("tests.limited")) == (Result.TIMED_OUT, "timeout")
    assert find_kind("python").time_limit({"handler": "tests.limited"}) == SHORT
    assert find_kind("python").time_limit({"handler": "demo.noop"}) is None


def test_plain_function_in_the_async_lane_does_not_run_on_the_loop_thread() -> None:
    threads: list[int] = []

    @handler("tests.blocking", lane="async")
    def blocking(context: AttemptContext) -> str:
        threads.append(threading.get_ident())
        return "done"

    assert find_kind("python").lane({"handler": "tests.blocking"}) == "async"
    assert on_loop("tests.blocking").output == "done"
    assert threads != [threading.get_ident()]


def test_plain_function_that_times_out_on_the_async_lane_is_asked_to_stop() -> None:
    stopped = threading.Event()

    @handler("tests.patient", lane="async")
    def patient(context: AttemptContext) -> None:
        pause = threading.Event()
        while not context.cancelled():
            pause.wait(0.01)
        stopped.set()

    assert _failure(on_loop("tests.patient", timeout=SHORT)) == (Result.TIMED_OUT, "timeout")
    assert stopped.wait(PATIENCE)


def test_cancellation_passes_through_and_is_seen_by_the_handler() -> None:
    seen: list[str] = []

    async def scenario() -> None:
        started = asyncio.Event()

        @handler("tests.cancelled")
        async def cancelled(context: AttemptContext) -> None:
            started.set()
            try:
                await asyncio.sleep(PATIENCE)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        attempt = make_attempt({"handler": "tests.cancelled"})
        context = AttemptContext(attempt)
        running = asyncio.create_task(run(attempt, context))
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert context.cancelled()

    asyncio.run(scenario())
    assert seen == ["cancelled"]


def test_handler_that_raises_cancellation_by_itself_has_failed() -> None:
    @handler("tests.confused")
    async def confused(context: AttemptContext) -> None:
        raise asyncio.CancelledError

    assert _failure(on_loop("tests.confused")) == (Result.FAILED, "cancelled_error")


def test_time_limit_of_the_process_lane_gets_past_a_handler_that_catches_everything() -> None:
    @handler("tests.stubborn")
    def stubborn(context: AttemptContext) -> str:
        with contextlib.suppress(Exception):
            raise AttemptTimedOut
        return "went on"

    assert _failure(in_process("tests.stubborn")) == (Result.TIMED_OUT, "timeout")


def test_handler_that_this_worker_lacks_is_retried_elsewhere() -> None:
    attempt = make_attempt({"handler": "gone.since"})
    outcome = run_in_process(attempt, AttemptContext(attempt))
    assert _failure(outcome) == (Result.FAILED, "unknown_handler")
    assert _failure(on_loop("gone.since")) == (Result.FAILED, "unknown_handler")
