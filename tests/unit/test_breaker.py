"""The circuit breaker, pure: which attempts say that a host is away, and what is spared."""

from uuid import UUID

import pytest

from jobs.breaker import Tally, call_of, spared, tally
from jobs.outcomes import Call, Ending, Failure, Outcome, Result
from tests.handlers_kit import make_attempt

ME, YOU = UUID(int=1), UUID(int=2)


def outcome(result, *, status=None, code=""):
    return Outcome(
        result=result,
        http_status=status,
        failure=Failure(code=code, message="It failed.") if code else None,
    )


@pytest.mark.parametrize(
    ("came", "answered"),
    [
        (outcome(Result.SUCCEEDED, status=200), True),
        # The job expects it.
        (outcome(Result.SUCCEEDED, status=503), True),
        (outcome(Result.REJECTED, status=404, code="http_404"), True),
        (outcome(Result.FAILED, status=429, code="http_429"), True),
        (outcome(Result.FAILED, status=500, code="http_500"), True),
        (outcome(Result.FAILED, status=503, code="http_503"), False),
        (outcome(Result.FAILED, code="connection_refused"), False),
        (outcome(Result.TIMED_OUT, code="timeout"), False),
        (outcome(Result.TIMED_OUT, status=200, code="timeout"), False),
        (outcome(Result.FAILED, status=200, code="incomplete_body"), False),
        # Nothing was asked of the host.
        (outcome(Result.FAILED, code="secret_unavailable"), None),
        (outcome(Result.REJECTED, code="address_denied"), None),
        (outcome(Result.LOST, code="worker_lost"), None),
        (outcome(Result.RELEASED), None),
        (outcome(Result.CANCELLED), None),
    ],
)
def test_an_attempt_says_whether_its_host_answered(came, answered):
    attempt = make_attempt({}, kind="http", handler="a.example", merchant_id=ME)
    call = call_of(attempt, came)
    assert (call.answered if call else None) == answered
    if call:
        assert (call.merchant_id, call.handler) == (ME, "a.example")


def test_kinds_that_call_nobody_say_nothing():
    refused = outcome(Result.FAILED, code="connection_refused")
    assert call_of(make_attempt({}, kind="python", handler="a.example"), refused) is None
    assert call_of(make_attempt({}, kind="http", handler=""), refused) is None


def test_only_failures_since_the_last_answer_count_for_each_merchant_and_host():
    def call(answered, merchant=ME, handler="a", code=""):
        return Call(merchant_id=merchant, handler=handler, answered=answered, code=code)

    calls = [
        call(False, code="timeout"),
        call(False, merchant=YOU, code="timeout"),
        call(True),
        call(False, code="dns_failure"),
        call(False, code="connection_refused"),
        call(True, handler="b"),
    ]
    assert tally(calls) == {
        (ME, "a"): Tally(answered=True, failures=2, code="connection_refused"),
        (YOU, "a"): Tally(failures=1, code="timeout"),
        (ME, "b"): Tally(answered=True),
    }


@pytest.mark.parametrize("status", ["failed", "retryable"])
def test_attempt_at_a_host_that_is_given_up_is_made_again_and_not_counted(status):
    ending = Ending(job_id=ME, ticket=1, outcome=Result.FAILED, status=status, code="timeout")
    found = spared(ending)
    assert (found.status, found.counted, found.code) == ("retryable", False, "timeout")


def test_an_ending_that_nothing_can_mend_stays_as_it_is():
    ending = Ending(job_id=ME, ticket=1, outcome=Result.CANCELLED, status="cancelled")
    assert spared(ending) is ending
