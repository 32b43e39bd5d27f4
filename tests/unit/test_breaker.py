"""The circuit breaker, pure: what attempts say of a host, how it is taken back, and what is spared."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.breaker import News, Tally, at_once, by_host, call_of, heard, spared, tally
from jobs.outcomes import Call, Ending, Failure, Outcome, Result
from tests.handlers_kit import make_attempt

ME, YOU = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def call(answered, merchant=ME, handler="a", code="", began=0.0):
    """A call that began so many seconds after NOW."""
    return Call(
        merchant_id=merchant,
        handler=handler,
        answered=answered,
        code=code,
        began_at=NOW + timedelta(seconds=began),
    )


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
        assert call.began_at == attempt.started_at


def test_kinds_that_call_nobody_say_nothing():
    refused = outcome(Result.FAILED, code="connection_refused")
    assert call_of(make_attempt({}, kind="python", handler="a.example"), refused) is None
    assert call_of(make_attempt({}, kind="http", handler=""), refused) is None


def test_only_failures_since_the_last_answer_count_for_each_merchant_and_host():
    calls = [
        call(False, code="timeout"),
        call(False, merchant=YOU, code="timeout"),
        call(True),
        call(False, code="dns_failure"),
        call(False, code="connection_refused"),
        call(True, handler="b"),
    ]
    assert {host: tally(made) for host, made in by_host(calls).items()} == {
        (ME, "a"): Tally(answered=True, failures=2, code="connection_refused"),
        (YOU, "a"): Tally(failures=1, code="timeout"),
        (ME, "b"): Tally(answered=True),
    }


def test_a_call_of_before_the_pause_was_over_neither_opens_nor_closes():
    calls = [call(True, began=-9.0), call(False, began=-0.001, code="timeout")]
    assert heard(calls, probe_at=NOW) == News(failures=1, code="timeout")


def test_one_failure_among_the_calls_that_tried_a_host_gives_it_up_again():
    calls = [call(True), call(False, code="timeout"), call(True, began=5.0)]
    assert heard(calls, probe_at=NOW) == News(failures=1, code="timeout", reopens=True)
    assert heard([call(True), call(True, began=5.0)], probe_at=NOW) == News(answers=2)


@given(st.lists(st.tuples(st.booleans(), st.integers(-60, 60)), max_size=30))
def test_what_calls_say_depends_on_those_that_tried_the_host_in_any_order(made):
    calls = [call(answered, began=began) for answered, began in made]
    said = heard(calls, probe_at=NOW)
    tried = [answered for answered, began in made if began >= 0]
    assert said.reopens == (False in tried)
    assert said.answers == (0 if said.reopens else len(tried))
    assert said.failures == sum(not answered for answered, _ in made)
    assert heard(sorted(calls, key=lambda one: one.answered), probe_at=NOW) == said


@given(st.integers(0, 5_000))
def test_calls_at_once_double_with_each_full_round_of_answers(answers):
    allowed = left = 1
    for _ in range(answers):
        left -= 1
        if not left:
            allowed = left = 2 * allowed
    assert at_once(answers) == allowed


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_more_answers_never_let_fewer_go(answers, more):
    assert 1 <= at_once(answers) <= at_once(answers + more) <= answers + more + 1


@pytest.mark.parametrize("status", ["failed", "retryable"])
def test_attempt_at_a_host_that_is_given_up_is_made_again_and_not_counted(status):
    ending = Ending(job_id=ME, ticket=1, outcome=Result.FAILED, status=status, code="timeout")
    found = spared(ending)
    assert (found.status, found.counted, found.code) == ("retryable", False, "timeout")


def test_an_ending_that_nothing_can_mend_stays_as_it_is():
    ending = Ending(job_id=ME, ticket=1, outcome=Result.CANCELLED, status="cancelled")
    assert spared(ending) is ending
