"""Hosts that do not answer: given up, tried again one job at a time, and taken back step by step."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from jobs import lifecycle
from jobs.engine import Engine
from jobs.models import Breaker, DeadLetter, Execution, Job
from jobs.outcomes import Call, Ending, Result
from jobs.waiting_reason import waiting_reason
from tenants.clock import database_now
from tests.factories.flows import make_breaker
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
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
from tests.integration.sessions import OtherSession, wait_until_it_waits_or_ends

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant():
    """A merchant; its jobs call HOST."""
    return make_merchant()


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


def test_an_answer_takes_the_host_back_step_by_step(valkey, merchant):
    jobs = http_jobs(40, merchant)
    give_up()
    bystander = make_breaker(merchant=make_merchant(), handler=HOST, probe_at=database_now())
    rounds = []
    for _ in range(6):
        step(2)
        step(3)
        rounds.append(Job.objects.filter(status="queued").count())
        assert attempt(answered=True) == (rounds[-1], True)
    # What is left in the end is all that there is.
    assert rounds == [1, 2, 4, 8, 16, 9]
    assert set(Job.objects.values_list("status", flat=True)) == {"succeeded"}
    assert used(jobs) == 40
    assert list(Breaker.objects.all()) == [bystander]
    assert bystander.answers == 0


def test_host_that_answers_may_be_called_by_no_more_than_its_rounds_allow(valkey, merchant):
    http_jobs(40, merchant)
    give_up()
    handed = []
    for ends in (1, 1, 1, 2, 1, 3):
        step(2)
        handed.append(Job.objects.filter(status="queued").count())
        attempt(answered=True, most=ends)
    # After 0, 1, 2, 3, 5 and 6 answers.
    assert handed == [1, 2, 2, 4, 4, 4]
    breaker = Breaker.objects.get()
    assert (breaker.answers, breaker.failures, breaker.probes) == (9, 0, 0)
    step(2)
    assert Job.objects.filter(status="queued").count() == 8


def test_from_so_many_answers_on_everybody_goes(valkey, merchant):
    http_jobs(20, merchant)
    give_up()
    engine = Engine(breaker_unbound=4)
    for expected in (1, 2, 17):
        step(2)
        assert attempt(answered=True, engine=engine)[0] == expected
    assert not Breaker.objects.exists()
    assert not Job.objects.filter(gate="parked").exists()


def test_host_that_nobody_waits_for_is_taken_back_by_its_first_answer(valkey, merchant):
    [job, *others] = http_jobs(FAILURES, merchant)
    give_up()
    lifecycle.cancel(job_ids=[one.pk for one in others], now=database_now())
    step(2)
    assert attempt(answered=True) == (1, True)
    assert not Breaker.objects.exists()
    job.refresh_from_db()
    assert job.status == "succeeded"


def test_one_failure_on_the_way_gives_the_host_up_again_and_costs_no_attempt(valkey, merchant):
    jobs = http_jobs(30, merchant, max_attempts=1)
    give_up()
    for _ in range(2):
        step(2)
        attempt(answered=True)
    step(2)
    before = Breaker.objects.get()
    assert attempt(answered=False, code="timeout", most=1) == (1, False)
    breaker = Breaker.objects.get()
    assert before.opened_at is not None
    assert breaker.opened_at is not None
    assert breaker.probe_at is not None
    assert breaker.opened_at > before.opened_at
    assert (breaker.answers, breaker.recovering_at, breaker.failures) == (0, None, 1)
    assert (breaker.probe_at - breaker.opened_at).total_seconds() == ENGINE.breaker_pause
    # The other three were on their way: what they say comes too late.
    assert attempt(answered=True) == (3, False)
    breaker.refresh_from_db()
    assert breaker.answers == 0
    step(2)
    assert not Job.objects.filter(status="queued").exists()
    assert used(jobs) == 6
    assert not DeadLetter.objects.exists()
    assert "did not answer once (timeout)" in reason_of(Job.objects.filter(gate="parked")[0])
    # The pause begins anew, and then it doubles as ever.
    Breaker.objects.update(probe_at=database_now())
    step(2)
    attempt(answered=False)
    breaker.refresh_from_db()
    assert breaker.probe_at is not None
    assert (breaker.probe_at - breaker.changed_at).total_seconds() == 2 * ENGINE.breaker_pause


def test_call_that_hung_since_before_does_not_disturb_the_recovery(valkey, merchant):
    http_jobs(20, merchant)
    give_up()
    breaker = Breaker.objects.get()
    step(2)
    attempt(answered=True)
    late = call_of(merchant, answered=False, began_at=breaker.opened_at)
    ending = Ending(job_id=merchant.pk, ticket=1, outcome=Result.FAILED, status="failed", call=late)
    heeded = lifecycle.heed_breakers([ending], ENGINE)
    assert [one.counted for one in heeded.endings] == [False]
    breaker.refresh_from_db()
    assert (breaker.answers, breaker.failures, breaker.recovering_at is None) == (1, 0, False)
    assert "at most 2 of its jobs at once" in reason_of(Job.objects.filter(gate="parked")[0])


def test_answer_of_before_does_not_end_the_pause(valkey, merchant):
    http_jobs(FAILURES, merchant)
    give_up(pause=60)
    breaker = Breaker.objects.get()
    early = call_of(merchant, answered=True, began_at=breaker.opened_at)
    ending = Ending(
        job_id=merchant.pk, ticket=1, outcome=Result.SUCCEEDED, status="succeeded", call=early
    )
    assert not lifecycle.heed_breakers([ending], ENGINE).recovered
    after = Breaker.objects.get()
    assert (after.answers, after.probe_at) == (0, breaker.probe_at)


def test_function_of_the_same_name_is_no_host(valkey, merchant):
    make_worker(heartbeat_at=database_now(), run_times={f"python:{HOST}": 0.001})
    make_breaker(merchant=merchant, handler=HOST, probe_at=database_now() + timedelta(hours=1))
    [call] = http_jobs(1, merchant)
    function = make_job(merchant=merchant, kind="python", handler=HOST)
    step()
    assert Job.objects.get(pk=call.pk).gate == "parked"
    assert Job.objects.get(pk=function.pk).status == "queued"


@pytest.mark.django_db(transaction=True)
def test_two_populators_at_once_hand_out_no_more_than_may_go(valkey, merchant):
    http_jobs(20, merchant)
    give_up()
    for _ in range(2):
        step(2)
        attempt(answered=True)
    now = database_now() + timedelta(seconds=2)
    make_worker(heartbeat_at=now, run_times={f"http:{HOST}": 0.001})

    def rival_step():
        lifecycle.release_parked(now=now, places={"async": 100})
        return lifecycle.queue_within_flows(lane="async", now=now, limit=10, lease=60.0, aging=60.0)

    with transaction.atomic():
        first = rival_step()
        rival = OtherSession(rival_step)
    second = rival.result()
    assert (len(first.queued), len(second.queued)) == (4, 0)
    assert Job.objects.filter(status="queued").count() == 4


@pytest.mark.django_db(transaction=True)
def test_answers_that_two_workers_report_at_once_are_all_counted(valkey, merchant):
    http_jobs(20, merchant)
    give_up()
    began = database_now()

    def report():
        call = call_of(merchant, answered=True, began_at=began)
        one = Ending(
            job_id=merchant.pk, ticket=1, outcome=Result.SUCCEEDED, status="succeeded", call=call
        )
        return lifecycle.heed_breakers([one] * 2, ENGINE).recovered

    with transaction.atomic():
        assert report()
        rival = OtherSession(report)
        wait_until_it_waits_or_ends(rival)
    assert rival.result()
    assert Breaker.objects.get().answers == 4


@pytest.mark.django_db(transaction=True)
def test_answer_that_meets_a_failure_of_another_worker_comes_too_late(valkey, merchant):
    http_jobs(20, merchant)
    give_up()
    began = database_now()

    def report(answered):
        call = call_of(merchant, answered=answered, began_at=began)
        result = Result.SUCCEEDED if answered else Result.FAILED
        one = Ending(job_id=merchant.pk, ticket=1, outcome=result, status="failed", call=call)
        return lifecycle.heed_breakers([one], ENGINE).recovered

    assert report(answered=True)
    with transaction.atomic():
        report(answered=False)
        rival = OtherSession(lambda: report(answered=True))
        wait_until_it_waits_or_ends(rival)
    assert not rival.result()
    breaker = Breaker.objects.get()
    assert (breaker.answers, breaker.recovering_at, breaker.failures) == (0, None, 1)


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


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(ENGINE, id="ordinary worker"),
        pytest.param(replace(ENGINE, breaker_failures=10 * FAILURES), id="more patient worker"),
    ],
)
def test_late_failure_adds_to_the_count_and_changes_nothing_else(valkey, merchant, engine):
    http_jobs(FAILURES, merchant)
    step()
    attempt(answered=False)
    before = Breaker.objects.get()
    late = call_of(merchant, answered=False, began_at=before.opened_at)
    ending = Ending(job_id=merchant.pk, ticket=1, outcome=Result.FAILED, status="failed", call=late)
    lifecycle.heed_breakers([ending], engine)
    after = Breaker.objects.get()
    assert (after.failures, after.probes, after.opened_at, after.probe_at) == (
        FAILURES + 1,
        before.probes,
        before.opened_at,
        before.probe_at,
    )


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
            call=Call(
                merchant_id=merchant.pk,
                handler=breaker.handler,
                answered=True,
                began_at=NOW + 10 * SECOND,
            ),
        )
        for breaker in mine[:2]
    ]
    lifecycle.heed_breakers(answered, ENGINE)
    assert set(Breaker.objects.all()) == {mine[2], other}


def test_endings_that_call_nobody_cost_nothing(django_assert_num_queries, merchant):
    ending = Ending(job_id=merchant.pk, ticket=1, outcome=Result.FAILED, status="failed")
    with django_assert_num_queries(0):
        assert lifecycle.heed_breakers([ending], ENGINE).endings == [ending]
    ok = call_of(merchant, answered=True, began_at=database_now())
    answered = Ending(
        job_id=merchant.pk, ticket=1, outcome=Result.SUCCEEDED, status="succeeded", call=ok
    )
    with django_assert_num_queries(1):
        lifecycle.heed_breakers([answered] * 50, ENGINE)
