"""Hosts that do not answer: given up, tried again one job at a time, and taken back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.models import Breaker, DeadLetter, Execution, Job
from jobs.outcomes import Call, Ending, Result
from jobs.waiting_reason import waiting_reason
from tenants.clock import database_now
from tests.factories.flows import make_breaker
from tests.factories.jobs import make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
ENGINE = Engine()
FAILURES = ENGINE.breaker_failures
HOST = "down.example"


@pytest.fixture
def merchant():
    """A merchant; its jobs call HOST."""
    return make_merchant()


def http_jobs(number, merchant, handler=HOST, **fields):
    payload = {"url": f"https://{handler}/"}
    now = database_now()
    return [
        make_job(
            merchant=merchant,
            kind="http",
            handler=handler,
            payload=payload,
            scheduled_at=now,
            **fields,
        )
        for _ in range(number)
    ]


def step(later=0.0):
    """Let the populator do all that is to be done now, or some seconds later."""
    now = database_now() + timedelta(seconds=later)
    make_worker(heartbeat_at=now, run_times={f"http:{HOST}": 0.001})
    while populator.populate(now, ENGINE).more:
        pass


def attempt(*, answered, code="connection_refused"):
    """Run all queued jobs of HOST once, as a worker does."""
    worker = make_worker(lane="nowhere")
    queued = Job.objects.filter(status="queued", handler=HOST)
    tickets = [(job.pk, job.ticket) for job in queued if job.ticket is not None]
    attempts = lifecycle.claim(tickets=tickets, worker_id=worker.pk, engine=ENGINE)
    endings = [
        Ending(
            job_id=one.job_id,
            ticket=one.ticket,
            outcome=Result.SUCCEEDED if answered else Result.FAILED,
            status="succeeded"
            if answered
            else "failed"
            if one.round >= one.max_attempts
            else "retryable",
            code="" if answered else code,
            call=Call(merchant_id=one.merchant_id, handler=HOST, answered=answered, code=code),
        )
        for one in attempts
    ]
    heeded = lifecycle.heed_breakers(endings, ENGINE)
    lifecycle.finish(heeded.endings)
    return len(attempts), heeded.recovered


def used(jobs):
    found = Job.objects.filter(pk__in=[job.pk for job in jobs])
    return sum(job.attempt - job.earlier_attempts for job in found)


def test_host_that_is_down_is_given_up_and_costs_no_attempts(valkey, merchant):
    jobs = http_jobs(30, merchant, max_attempts=1)
    bystanders = http_jobs(3, merchant, handler="up.example")
    step()
    assert attempt(answered=False) == (30, False)
    strangers = http_jobs(3, make_merchant())

    breaker = Breaker.objects.get()
    assert (breaker.merchant, breaker.handler, breaker.failures) == (merchant, HOST, 30)
    assert used(jobs) == 0
    assert not DeadLetter.objects.exists()
    assert Execution.objects.filter(outcome="failed").count() == 30

    step(2)
    assert set(Job.objects.filter(gate="parked").values_list("pk", flat=True)) == {
        job.pk for job in jobs
    }
    assert Job.objects.filter(pk__in=[job.pk for job in bystanders], status="queued").count() == 3
    assert Job.objects.filter(pk__in=[job.pk for job in strangers], status="queued").count() == 3
    waiting = waiting_reason(Job.objects.get(pk=jobs[0].pk), now=database_now())
    assert waiting is not None
    assert waiting.startswith("down.example did not answer 30 times in a row (connection_refused);")


def test_one_probe_at_a_time_and_pauses_that_grow(valkey, merchant):
    jobs = http_jobs(FAILURES, merchant)
    step()
    attempt(answered=False)
    step(2)
    assert not Job.objects.filter(status="queued").exists()
    pauses = []
    for _ in range(3):
        Breaker.objects.update(probe_at=database_now())
        step(2)
        assert Job.objects.filter(status="queued").count() == 1
        step(3)
        assert attempt(answered=False) == (1, False)
        breaker = Breaker.objects.get()
        assert breaker.probe_at is not None
        pauses.append(round((breaker.probe_at - breaker.changed_at).total_seconds()))
    assert pauses == [2 * ENGINE.breaker_pause, 4 * ENGINE.breaker_pause, 8 * ENGINE.breaker_pause]
    assert used(jobs) == 0
    Breaker.objects.update(probe_at=database_now(), probes=19)
    step(2)
    attempt(answered=False)
    breaker = Breaker.objects.get()
    assert breaker.probe_at is not None
    assert (breaker.probe_at - breaker.changed_at).total_seconds() == ENGINE.breaker_longest


def test_an_answer_takes_the_host_back_and_everybody_goes(valkey, merchant):
    jobs = http_jobs(20, merchant)
    step()
    attempt(answered=False)
    step(2)
    Breaker.objects.update(probe_at=database_now())
    step(2)
    assert attempt(answered=True) == (1, True)
    assert not Breaker.objects.exists()
    step(3)
    assert attempt(answered=True) == (19, False)
    assert set(Job.objects.values_list("status", flat=True)) == {"succeeded"}
    assert used(jobs) == 20


def test_failures_that_an_answer_interrupts_give_nobody_up(valkey, merchant):
    for _ in range(3):
        http_jobs(FAILURES - 1, merchant, max_attempts=1)
        step()
        attempt(answered=False)
        http_jobs(1, merchant)
        step()
        attempt(answered=True)
    assert not Breaker.objects.exists()
    assert DeadLetter.objects.count() == 3 * (FAILURES - 1)


def test_calls_that_were_under_way_do_not_lengthen_the_pause(valkey, merchant):
    http_jobs(FAILURES, merchant)
    step()
    attempt(answered=False)
    before = Breaker.objects.get()
    late = Call(merchant_id=merchant.pk, handler=HOST, answered=False, code="timeout")
    lifecycle.heed_breakers(
        [Ending(job_id=merchant.pk, ticket=1, outcome=Result.FAILED, status="failed", call=late)],
        ENGINE,
    )
    after = Breaker.objects.get()
    assert (after.failures, after.probes, after.probe_at) == (
        FAILURES + 1,
        before.probes,
        before.probe_at,
    )


def test_worker_that_was_told_to_be_more_patient_closes_a_breaker_of_another(valkey, merchant):
    http_jobs(FAILURES, merchant)
    step()
    attempt(answered=False)
    late = Call(merchant_id=merchant.pk, handler=HOST, answered=False, code="timeout")
    ending = Ending(job_id=merchant.pk, ticket=1, outcome=Result.FAILED, status="failed", call=late)
    patient = replace(ENGINE, breaker_failures=10 * FAILURES)
    assert lifecycle.heed_breakers([ending], patient).endings == [ending]
    breaker = Breaker.objects.get()
    assert (breaker.failures, breaker.opened_at, breaker.probe_at) == (FAILURES + 1, None, None)


def test_host_may_be_away_for_any_number_of_probes(valkey, merchant):
    http_jobs(FAILURES, merchant)
    step()
    attempt(answered=False)
    Breaker.objects.update(probes=32_767, probe_at=database_now())
    step(2)
    assert attempt(answered=False) == (1, False)
    assert Breaker.objects.get().failures == FAILURES + 1


def test_answers_of_many_hosts_take_back_these_and_no_others(merchant):
    mine = [make_breaker(merchant=merchant, handler=f"{letter}.example") for letter in "abc"]
    other = make_breaker(merchant=make_merchant(), handler="a.example")
    answered = [
        Ending(
            job_id=merchant.pk,
            ticket=1,
            outcome=Result.SUCCEEDED,
            status="succeeded",
            call=Call(merchant_id=merchant.pk, handler=breaker.handler, answered=True),
        )
        for breaker in mine[:2]
    ]
    assert lifecycle.heed_breakers(answered, ENGINE).recovered
    assert set(Breaker.objects.all()) == {mine[2], other}


def test_endings_that_call_nobody_cost_nothing(django_assert_num_queries, merchant):
    ending = Ending(job_id=merchant.pk, ticket=1, outcome=Result.FAILED, status="failed")
    with django_assert_num_queries(0):
        assert lifecycle.heed_breakers([ending], ENGINE).endings == [ending]
    ok = Call(merchant_id=merchant.pk, handler=HOST, answered=True)
    answered = Ending(
        job_id=merchant.pk, ticket=1, outcome=Result.SUCCEEDED, status="succeeded", call=ok
    )
    with django_assert_num_queries(1):
        lifecycle.heed_breakers([answered] * 50, ENGINE)
