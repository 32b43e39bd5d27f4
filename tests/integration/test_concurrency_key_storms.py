"""Concurrency keys while all sorts of things happen, and with several sessions at once."""

import random
from datetime import timedelta

import pytest
from django.db import transaction

from jobs import lifecycle
from jobs.models import Job
from tests.factories.jobs import NOW, SECOND, make_merchant, make_worker
from tests.integration.keyed_jobs import end, keyed, queued, settle
from tests.integration.sessions import OtherSession, wait_until_it_waits_or_ends

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _worker(valkey):
    make_worker(run_times={"python:demo.noop": 0.001})


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_limits_hold_and_nothing_is_left_behind(seed):
    chance = random.Random(seed)
    merchant = make_merchant()
    limits = {"one": 1, "two": 2}
    now = NOW
    jobs = []
    for _ in range(150):
        match chance.choice(["create", "create", "end", "end", "retry", "fail", "odd"]):
            case "create":
                key = chance.choice(list(limits))
                later = chance.choice([0, 0, 0, 5]) * SECOND
                jobs.append(keyed(merchant, limit=limits[key], key=key, run_at=now + later))
            case "end" | "retry" | "fail" as how:
                if found := queued():
                    status = {"end": "succeeded", "retry": "retryable", "fail": "failed"}[how]
                    end(chance.choice(found), status=status)
            case _ if jobs:
                odd(chance, chance.choice(jobs), now)
        now += SECOND
        Job.objects.filter(status="retryable").update(scheduled_at=now)
        lifecycle.grant_places(now=now, limit=1000)
        make_worker(heartbeat_at=now, run_times={"python:demo.noop": 0.001})
        settle(now)
        for key, limit in limits.items():
            active = Job.objects.filter(concurrency_key=key, finalized_at=None)
            assert active.filter(status__in=["queued", "running", "retryable"]).count() <= limit
            assert active.filter(holds_place=True).count() <= limit
    now += 60 * SECOND
    for _ in range(2 * len(jobs)):
        make_worker(heartbeat_at=now, run_times={"python:demo.noop": 0.001})
        settle(now)
        if found := queued():
            end(*found)
    assert not Job.objects.filter(finalized_at=None).exists()


def odd(chance, job, now):
    """Do to a job what a person may do."""
    match chance.choice(["cancel", "restart", "move", "advance", "lose"]):
        case "cancel":
            lifecycle.cancel(job_ids=[job.pk], now=now)
        case "restart":
            lifecycle.restart(job_ids=[job.pk], now=now, by="test")
        case "move":
            lifecycle.edit(job_id=job.pk, changes={"run_at": now + 3 * SECOND})
        case "advance":
            lifecycle.advance(job_ids=[job.pk], now=now)
        case "lose":
            lifecycle.requeue_lost_messages(before=now + HOUR, limit=10)


@pytest.mark.django_db(transaction=True)
def test_two_populators_at_once_hand_out_each_place_once():
    merchant = make_merchant()
    for _ in range(10):
        keyed(merchant, limit=4)

    def step():
        return lifecycle.grant_places(now=NOW, limit=100)

    with transaction.atomic():
        first = step()
        rival = OtherSession(step)
    second = rival.result()
    assert (first.places, second.places) == (4, 0)
    assert Job.objects.filter(holds_place=True).count() == 4


@pytest.mark.django_db(transaction=True)
def test_job_that_comes_in_ahead_while_a_place_is_given_waits_for_the_next():
    merchant = make_merchant()
    keyed(merchant)

    def step():
        return lifecycle.grant_places(now=NOW, limit=100)

    with transaction.atomic():
        assert step().places == 1
        OtherSession(lambda: keyed(merchant, run_at=NOW - HOUR)).result()
        rival = OtherSession(step)
        wait_until_it_waits_or_ends(rival)
    assert rival.result().places == 0
    assert Job.objects.filter(holds_place=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_line_stops_while_somebody_holds_its_first_row_and_goes_on_afterwards():
    merchant = make_merchant()
    first, second, third = keyed(merchant), keyed(merchant), keyed(merchant, limit=2)
    settle()
    end(first)
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=second.pk)
        held_up = OtherSession(lambda: lifecycle.grant_places(now=NOW, limit=100)).result()
    assert held_up.places == 0
    assert lifecycle.grant_places(now=NOW, limit=100).places == 2
    assert set(Job.objects.filter(holds_place=True, finalized_at=None)) == {second, third}
