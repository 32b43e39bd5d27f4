"""What follows from an attempt whose handler must not run twice."""

from dataclasses import replace

import pytest

from jobs.outcomes import Failure, Outcome, Result
from jobs.verdict import verdict
from tests.handlers_kit import make_attempt

ATTEMPT = make_attempt({"handler": "bank.pay"}, kind="python", at_most_once=True)
ERROR = Failure(code="value_error", message="No such account.")


def end(outcome, **changes):
    ending = verdict(replace(ATTEMPT, **changes), outcome, poison_losses=3)
    return ending.status, ending.code


@pytest.mark.parametrize("result", [Result.LOST, Result.TIMED_OUT, Result.RELEASED])
def test_attempt_that_may_have_happened_is_ambiguous(result):
    assert end(Outcome(result=result)) == ("failed", "ambiguous")


@pytest.mark.parametrize(
    ("result", "status"),
    [(Result.LOST, "retryable"), (Result.TIMED_OUT, "retryable"), (Result.RELEASED, "scheduled")],
)
def test_idempotent_handler_is_run_again(result, status):
    assert end(Outcome(result=result), at_most_once=False)[0] == status


@pytest.mark.parametrize(
    ("result", "status"),
    [(Result.RELEASED, "scheduled"), (Result.FAILED, "retryable"), (Result.LOST, "retryable")],
)
def test_attempt_that_surely_did_not_start_is_repeated(result, status):
    assert end(Outcome(result=result, began=False))[0] == status


def test_handler_that_raised_is_not_run_again_and_keeps_its_error():
    outcome = Outcome(result=Result.FAILED, failure=ERROR)
    assert end(outcome) == ("failed", "value_error")
    assert end(outcome, at_most_once=False) == ("retryable", "value_error")


def test_handler_that_asks_to_be_run_later_is():
    outcome = Outcome(result=Result.FAILED, failure=ERROR, retry_after=30)
    assert end(outcome) == ("retryable", "value_error")
    assert end(outcome, round=3) == ("failed", "value_error")


@pytest.mark.parametrize(
    ("result", "status"), [(Result.SUCCEEDED, "succeeded"), (Result.CANCELLED, "cancelled")]
)
def test_known_end_is_no_ambiguity(result, status):
    assert end(Outcome(result=result)) == (status, "")


def test_first_cause_stays_readable():
    stopped = Failure(code="timeout", message="The handler did not end within 5 s.")
    outcome = Outcome(result=Result.TIMED_OUT, failure=stopped)
    ending = verdict(ATTEMPT, outcome, poison_losses=3)
    assert (ending.outcome, ending.detail) == (Result.TIMED_OUT, stopped.message)
    assert "it took too long" in ending.message
