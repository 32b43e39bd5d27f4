"""Patience with hosts that nobody tried for a while, and of jobs that stand in no line."""

from datetime import timedelta

import pytest

from jobs import lifecycle
from jobs.models import Breaker, DeadLetter, Job
from jobs.outcomes import Ending, Result
from jobs.statements import breaking
from tenants.clock import database_now
from tenants.statement import execute
from tests.factories.flows import make_breaker, make_flow
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant
from tests.integration.down_hosts import (
    ENGINE,
    FAILURES,
    HOST,
    attempt,
    call_of,
    give_up,
    http_jobs,
    reason_of,
    step,
)
from tests.integration.test_breaker_patience import HOUR, end_in_vain, let_time_pass, probe

pytestmark = pytest.mark.django_db
WEEKEND = 60


@pytest.fixture
def merchant():
    """A merchant; its jobs call HOST."""
    return make_merchant()


@pytest.fixture
def gone():
    """The breaker of a host that another merchant has tried in vain for days, and the job that waits."""
    now = database_now()
    breaker = make_breaker(
        merchant=make_merchant(),
        handler=HOST,
        opened_at=now - 48 * HOUR,
        changed_at=now,
        probe_at=now + HOUR,
    )
    return make_job(
        merchant=breaker.merchant,
        kind="http",
        handler=HOST,
        gate="parked",
        parked_by=breaker.pk,
        parked_rank=now,
        unanswered_since=now - 48 * HOUR,
    )


def abandoned():
    return {moved.job_id for moved in end_in_vain()}


def report(merchant, *, began_at, timeout=0.0):
    """Report a call of HOST that was not answered, by a worker whose ticket is void."""
    call = call_of(merchant, answered=False, began_at=began_at, timeout=timeout)
    ending = Ending(
        job_id=merchant.pk, ticket=1, outcome=Result.TIMED_OUT, status="retryable", call=call
    )
    assert lifecycle.finish(lifecycle.heed_breakers([ending], ENGINE).endings) == []


# Hosts that nobody tried


def test_one_failed_call_after_a_long_absence_fails_nobody_of_the_line(valkey, merchant, gone):
    http_jobs(FAILURES, merchant)
    give_up()
    Breaker.objects.filter(merchant=gone.merchant).update(probe_at=database_now() + HOUR)
    mine = Breaker.objects.filter(merchant=merchant)
    opened_at = database_now() - WEEKEND * HOUR
    mine.update(opened_at=opened_at, tried_since=opened_at, tried_at=opened_at)
    Job.objects.filter(merchant=merchant).update(unanswered_since=opened_at)
    step(2)
    assert attempt(answered=False) == (1, False)
    step(4)
    assert abandoned() == {gone.pk}
    breaker = mine.get()
    assert breaker.tried_since == breaker.tried_at == breaker.changed_at
    assert breaker.opened_at == opened_at
    assert breaker.tried_since is not None
    job = Job.objects.filter(merchant=merchant, gate="parked")[0]
    until = breaker.tried_since + 24 * HOUR
    assert reason_of(job).endswith(
        f" If it has not answered by {until:%Y-%m-%dT%H:%M:%SZ}, the job fails."
    )


def test_patience_after_an_absence_is_as_long_as_ever_and_then_over(valkey, merchant):
    http_jobs(FAILURES, merchant)
    give_up()
    let_time_pass(WEEKEND)
    probe()
    for _ in range(4):
        let_time_pass(5)
        probe()
        assert end_in_vain() == []
    let_time_pass(5)
    probe()
    assert len(end_in_vain()) == FAILURES


def test_handler_that_a_person_paused_meanwhile_was_not_tried(valkey, merchant):
    http_jobs(FAILURES, merchant)
    give_up()
    rule = make_flow(merchant=merchant, scope="handler", name=HOST, paused=True)
    let_time_pass(WEEKEND)
    step(2)
    assert not Job.objects.filter(status="queued").exists()
    rule.delete()
    step(3)
    assert attempt(answered=False) == (1, False)
    step(5)
    assert end_in_vain() == []
    assert Job.objects.filter(gate="parked").count() == FAILURES


def test_late_report_of_a_call_from_before_moves_no_patience(valkey, merchant, gone):
    http_jobs(FAILURES, merchant)
    give_up(pause=60)
    let_time_pass(WEEKEND)
    mine = Breaker.objects.filter(merchant=merchant)
    before = mine.get()
    assert before.opened_at is not None
    report(merchant, began_at=before.opened_at - HOUR)
    after = mine.get()
    assert after.failures == before.failures + 1
    assert after.changed_at > before.changed_at
    assert (after.tried_since, after.tried_at) == (before.tried_since, before.tried_at)
    Breaker.objects.filter(merchant=gone.merchant).update(tried_at=database_now())
    Job.objects.filter(pk=gone.pk).update(unanswered_since=database_now() - 48 * HOUR)
    assert abandoned() == {gone.pk}


def test_failure_that_meets_a_host_given_up_meanwhile_moves_no_patience(merchant):
    """As a worker writes it that read the host before another one gave it up."""
    before = make_breaker(merchant=merchant, handler=HOST)
    [row] = execute(
        breaking.NOTE_DOWN,
        merchants=[merchant.pk],
        handlers=[HOST],
        failures=[FAILURES],
        codes=["timeout"],
        most=FAILURES,
        pause=10.0,
    )
    assert row == (merchant.pk, HOST, True)
    after = Breaker.objects.get()
    assert after.failures == before.failures + FAILURES
    assert (after.tried_since, after.tried_at) == (NOW, NOW)


@pytest.mark.parametrize(
    ("hours", "timeout", "goes_on"),
    [
        pytest.param(5.9, 0.0, True, id="a short silence"),
        pytest.param(6.1, 0.0, False, id="a long silence"),
        pytest.param(6.1, 3_600.0, True, id="a try that took long itself"),
        pytest.param(7.1, 3_600.0, False, id="a long silence before such a try"),
    ],
)
def test_patience_goes_on_unless_nobody_tried_for_a_quarter_of_it(
    merchant, hours, timeout, goes_on
):
    now = database_now()
    tried = {"opened_at": now - 20 * HOUR, "changed_at": now - timedelta(hours=hours)}
    breaker = make_breaker(merchant=merchant, handler=HOST, probe_at=now - 5 * HOUR, **tried)
    report(merchant, began_at=now - HOUR, timeout=timeout)
    after = Breaker.objects.get()
    assert after.tried_at is not None
    assert after.tried_at > now - HOUR
    assert after.tried_since == (breaker.tried_since if goes_on else after.tried_at)


# Jobs that are in no line


def test_last_job_of_a_host_that_is_never_in_its_line_runs_out_of_patience(valkey, merchant):
    [job] = http_jobs(1, merchant)
    now = database_now()
    since = {"opened_at": now - HOUR, "changed_at": now, "probe_at": now - SECOND}
    make_breaker(merchant=merchant, handler=HOST, **since)
    for _ in range(5):
        step(2)
        assert attempt(answered=False) == (1, False)
        job.refresh_from_db()
        assert (job.status, job.gate) == ("retryable", "")
        assert end_in_vain() == []
        let_time_pass(5)
        # The pause is over whenever the populator comes to it.
        Breaker.objects.update(probe_at=database_now() - SECOND)
    step(2)
    attempt(answered=False)
    assert abandoned() == {job.pk}
    job.refresh_from_db()
    assert (job.status, job.gate, job.attempt) == ("failed", "", 6)
    assert DeadLetter.objects.get().error_code == "host_gone"


def test_jobs_in_no_line_that_wait_for_something_else_or_not_long_enough_stay(merchant):
    now = database_now()
    long_ago = now - 30 * HOUR
    make_breaker(merchant=merchant, handler=HOST, opened_at=long_ago, changed_at=now)
    make_breaker(
        merchant=merchant,
        handler="answers.example",
        opened_at=long_ago,
        changed_at=now,
        recovering_at=now,
        answers=1,
    )

    def spared(**values):
        waits = {"status": "retryable", "handler": HOST, "unanswered_since": long_ago}
        return make_job(kind="http", **{"merchant": merchant, **waits, **values})

    over = spared()
    spared(unanswered_since=now - HOUR)
    spared(unanswered_since=None)
    spared(merchant=make_merchant())
    spared(handler="other.example")
    spared(handler="answers.example")
    for status in ("scheduled", "blocked", "queued", "running", "succeeded", "cancelled"):
        spared(status=status)
    others = Job.objects.exclude(pk=over.pk).order_by("pk")
    before = list(others.values())
    assert abandoned() == {over.pk}
    assert list(others.values()) == before


def test_attempt_that_did_not_count_begins_patience_and_no_other_does():
    def ended(**ending):
        job = make_job(status="running")
        lifecycle.finish([Ending(job_id=job.pk, ticket=job.ticket or 0, code="x", **ending)])
        job.refresh_from_db()
        return job.unanswered_since

    before = database_now()
    since = ended(outcome=Result.FAILED, status="retryable", counted=False)
    assert since is not None
    assert since >= before
    assert ended(outcome=Result.FAILED, status="retryable") is None
    assert ended(outcome=Result.RELEASED, status="scheduled") is None
