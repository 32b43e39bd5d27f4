"""Concurrency keys on real servers: limits, order, restarts, moves, and two populators at once."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.models import Job
from jobs.outcomes import Ending, Result
from jobs.waiting_reason import waiting_reason
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db
ENGINE = Engine()
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _worker(valkey):
    make_worker(run_times={"python:demo.noop": 0.001})


def keyed(merchant, limit=1, key="customer-17", **fields):
    return make_job(merchant=merchant, concurrency_key=key, concurrency_limit=limit, **fields)


def settle(now=NOW):
    """Step until nothing more is to be done now."""
    while populator.populate(now, ENGINE).more:
        pass


def queued(**filters):
    return list(Job.objects.filter(status="queued", **filters).order_by("scheduled_at", "id"))


def names(**filters):
    return [job.name for job in queued(**filters)]


def start(*jobs):
    found = Job.objects.filter(pk__in=[job.pk for job in jobs])
    tickets = [(job.pk, job.ticket) for job in found if job.ticket is not None]
    attempts = lifecycle.claim(
        tickets=tickets, worker_id=make_worker(lane="nowhere").pk, engine=ENGINE
    )
    assert len(attempts) == len(jobs)
    return attempts


def end(*jobs, status="succeeded"):
    """Claim and end these jobs as a worker would."""
    return lifecycle.finish(
        [
            Ending(job_id=one.job_id, ticket=one.ticket, outcome=Result.SUCCEEDED, status=status)
            for one in start(*jobs)
        ]
    )


def test_jobs_of_a_key_go_strictly_one_after_another_in_the_order_of_their_creation():
    merchant, other = make_merchant(), make_merchant()
    for name in ("a", "b", "c"):
        keyed(merchant, name=name)
    keyed(merchant, name="urgent, but later", priority=10)
    bystanders = [
        keyed(merchant, key="another", name="x"),
        keyed(other, name="y"),
        make_job(merchant=merchant, name="z"),
    ]
    settle()
    assert {job.pk for job in queued()} > {job.pk for job in bystanders}
    order = []
    for _ in range(4):
        settle()
        [mine] = queued(concurrency_key="customer-17", merchant=merchant)
        order.append(mine.name)
        assert [one.makes_way for one in end(mine)] == [True]
    assert order == ["a", "b", "c", "urgent, but later"]
    settle()
    assert not Job.objects.filter(holds_place=True, finalized_at__isnull=False).exists()


def test_so_many_run_at_once_as_the_limit_says():
    merchant = make_merchant()
    jobs = [keyed(merchant, limit=3, name=str(number)) for number in range(8)]
    settle()
    assert names() == ["0", "1", "2"]
    end(jobs[1])
    settle()
    assert names() == ["0", "2", "3"]


def test_job_that_waits_for_its_retry_keeps_its_place():
    merchant = make_merchant()
    first, second = keyed(merchant), keyed(merchant)
    settle()
    end(first, status="retryable")
    settle()
    assert queued() == []
    second.refresh_from_db()
    assert second.gate == "keyed"
    Job.objects.filter(pk=first.pk).update(scheduled_at=NOW)
    settle()
    assert queued() == [first]
    end(first, status="failed")
    settle()
    assert queued() == [second]


def test_job_of_tomorrow_does_not_hold_up_those_of_today():
    merchant = make_merchant()
    tomorrow = keyed(merchant, run_at=NOW + 24 * HOUR)
    today = keyed(merchant)
    settle()
    assert queued() == [today]
    later = keyed(merchant, run_at=NOW + 25 * HOUR)
    end(today)
    settle(NOW + 26 * HOUR)
    assert queued() == []  # the worker of this test is long gone
    make_worker(heartbeat_at=NOW + 26 * HOUR, run_times={"python:demo.noop": 0.001})
    settle(NOW + 26 * HOUR)
    assert queued() == [tomorrow]
    end(tomorrow)
    settle(NOW + 26 * HOUR)
    assert queued() == [later]


def test_each_job_goes_by_its_own_limit_and_nobody_overtakes():
    merchant = make_merchant()
    wide = keyed(merchant, limit=3, name="wide")
    strict = keyed(merchant, limit=1, name="strict")
    keyed(merchant, limit=3, name="behind")
    settle()
    assert names() == ["wide"]
    end(wide)
    settle()
    assert names() == ["strict"]
    end(strict)
    settle()
    assert names() == ["behind"]


@pytest.mark.parametrize("leave", ["cancel", "expire"])
def test_place_of_a_job_that_never_runs_goes_to_the_next(leave):
    merchant = make_merchant()
    first = keyed(merchant, expires_at=NOW + HOUR)
    second = keyed(merchant)
    settle()
    if leave == "cancel":
        lifecycle.cancel(job_ids=[first.pk], now=NOW)
    else:
        lifecycle.expire(now=NOW + HOUR, limit=10)
    settle()
    assert queued() == [second]


def test_job_that_leaves_the_line_is_passed_over():
    merchant = make_merchant()
    first, second, third = keyed(merchant), keyed(merchant), keyed(merchant)
    settle()
    lifecycle.cancel(job_ids=[second.pk], now=NOW)
    end(first)
    settle()
    assert queued() == [third]


def test_job_that_is_moved_to_a_later_time_comes_then():
    merchant = make_merchant()
    first, second, third = keyed(merchant), keyed(merchant), keyed(merchant)
    settle()
    assert lifecycle.edit(job_id=second.pk, changes={"run_at": NOW + 10 * SECOND})
    end(first)
    settle()
    assert queued() == [third]
    end(third)
    settle()
    assert queued() == []
    settle(NOW + 10 * SECOND)
    assert queued() == [second]


@pytest.mark.parametrize("looked_at", [True, False])
def test_restarted_job_stands_at_the_end_of_the_line(looked_at):
    merchant = make_merchant()
    first, second = keyed(merchant), keyed(merchant)
    settle()
    end(first, status="failed")
    if looked_at:
        settle()
    lifecycle.restart(job_ids=[first.pk], now=NOW + SECOND, by="test")
    settle(NOW + SECOND)
    assert queued() == [second]
    end(second)
    settle(NOW + SECOND)
    assert queued() == [first]


def test_lost_message_keeps_its_place():
    merchant = make_merchant()
    first, second = keyed(merchant), keyed(merchant)
    settle()
    lifecycle.requeue_lost_messages(before=NOW + HOUR, limit=10)
    assert Job.objects.get(pk=first.pk).status == "scheduled"
    settle()
    assert queued() == [first]
    second.refresh_from_db()
    assert second.in_line


def test_a_key_can_be_paused_and_keeps_its_order():
    merchant = make_merchant()
    rule = make_flow(merchant=merchant, scope="key", name="customer-17", paused=True)
    first, second = keyed(merchant, limit=2), keyed(merchant, limit=2)
    bystander = keyed(merchant, key="another")
    settle()
    assert queued() == [bystander]
    assert Counter(Job.objects.filter(holds_place=True).values_list("gate", flat=True)) == {
        "parked": 2,
        "": 1,
    }
    rule.delete()
    settle()
    assert queued() == [first, second, bystander]


def test_reason_names_the_job_whose_turn_it_is():
    merchant = make_merchant()
    first, second, third = keyed(merchant), keyed(merchant), keyed(merchant)
    settle()
    third.refresh_from_db()
    assert waiting_reason(third, now=NOW) == (
        f"In the line of concurrency key customer-17: job {first.pk} has a place of 1; "
        "1 stand before it."
    )
    second.refresh_from_db()
    assert waiting_reason(second, now=NOW) == (
        f"In the line of concurrency key customer-17: job {first.pk} has a place of 1."
    )


def test_database_refuses_a_started_job_without_a_place():
    job = keyed(make_merchant())
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(gate="")


def test_steps_cost_one_statement_when_no_line_moves(django_assert_num_queries):
    merchant = make_merchant()
    keyed(merchant)
    for _ in range(5):
        keyed(merchant)
    settle()
    with django_assert_num_queries(1):
        assert lifecycle.grant_places(now=NOW, limit=1000).places == 0


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
def test_line_stops_while_somebody_holds_its_first_row_and_goes_on_afterwards():
    merchant = make_merchant()
    first, second, third = keyed(merchant), keyed(merchant, limit=2), keyed(merchant, limit=2)
    settle()
    end(first)
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=second.pk)
        held_up = OtherSession(lambda: lifecycle.grant_places(now=NOW, limit=100)).result()
    assert held_up.places == 0
    assert lifecycle.grant_places(now=NOW, limit=100).places == 2
    assert set(Job.objects.filter(holds_place=True, finalized_at=None)) == {second, third}
