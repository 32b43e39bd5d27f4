"""Concurrency keys on real servers: limits, order, restarts, moves."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from jobs import lifecycle
from jobs.models import Job
from jobs.waiting_reason import waiting_reason
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.keyed_jobs import end, keyed, names, queued, settle

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _worker(valkey):
    make_worker(run_times={"python:demo.noop": 0.001})


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
    keyed(merchant, limit=1, name="last")
    bystander = keyed(merchant, key="another", name="x")
    settle()
    assert names() == ["wide", "x"]
    end(wide, bystander)
    settle()
    assert names() == ["strict", "behind"]
    end(strict)
    settle()
    assert names() == ["behind"]


def test_no_place_is_left_free_where_limits_rise_along_the_line():
    merchant = make_merchant()
    running = keyed(merchant, limit=5, status="running")
    head = keyed(merchant, limit=1)
    for limit in (1, 2, 3, 4, 4, 6, 6, 6):
        keyed(merchant, limit=limit, name=str(limit))
    settle()
    assert names() == []
    values = {"status": "succeeded", "finalized_at": NOW, "ticket": None}
    Job.objects.filter(pk=running.pk).update(**values)
    lifecycle.cancel(job_ids=[head.pk], now=NOW)
    settle()
    assert names() == ["1", "2", "3", "4"]
    end(*queued(name="1"))
    settle()
    assert names() == ["2", "3", "4", "4", "6", "6"]
    assert not Job.objects.filter(tells_line=True).exists()


@pytest.mark.parametrize("leave", ["cancel", "expire", "edit"])
def test_who_waited_behind_a_stricter_job_goes_when_that_one_leaves_the_line(leave):
    merchant, other = make_merchant(), make_merchant()
    head = {}
    for one in (merchant, other):
        keyed(one, limit=5, status="running")
        keyed(one, limit=5, status="running")
        head[one] = keyed(one, limit=1, expires_at=NOW + HOUR if one == merchant else None)
        keyed(one, limit=3, name="behind")
        keyed(one, limit=3, name="last")
    settle()
    assert names() == []
    match leave:
        case "cancel":
            lifecycle.cancel(job_ids=[head[merchant].pk], now=NOW)
        case "expire":
            lifecycle.expire(now=NOW + HOUR, limit=10)
        case "edit":
            assert lifecycle.edit(job_id=head[merchant].pk, changes={"run_at": NOW + HOUR})
    settle()
    assert [job.merchant_id for job in queued()] == [merchant.pk]
    assert names() == ["behind"]
    left = Job.objects.get(pk=head[merchant].pk)
    assert (left.in_line, left.tells_line) == (False, False)


@pytest.mark.parametrize("parked", [False, True])
def test_job_with_a_place_that_is_moved_gives_it_to_the_next(parked):
    merchant = make_merchant()
    first, second = keyed(merchant), keyed(merchant, name="second")
    bystander = keyed(merchant, key="another", name="x")
    if parked:
        rule = make_flow(merchant=merchant, scope="key", name="customer-17", paused=True)
        settle()
        rule.delete()
    else:
        lifecycle.grant_places(now=NOW, limit=10)
    first.refresh_from_db()
    assert (first.gate, first.holds_place) == ("parked" if parked else "", True)
    assert lifecycle.edit(job_id=first.pk, changes={"run_at": NOW + 24 * HOUR})
    settle()
    first.refresh_from_db()
    assert (first.gate, first.holds_place, first.in_line) == ("keyed", False, False)
    assert queued() == [second, bystander]


def test_job_between_two_attempts_that_is_moved_keeps_its_place():
    merchant = make_merchant()
    first, second = keyed(merchant), keyed(merchant)
    settle()
    end(first, status="retryable")
    assert lifecycle.edit(job_id=first.pk, changes={"run_at": NOW + HOUR})
    settle()
    first.refresh_from_db()
    assert first.holds_place
    assert second not in queued()


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
