"""Hosts that nobody calls any more are forgotten; those that somebody waits for, or has called, are not."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from jobs import lifecycle, watcher
from jobs.models import Breaker, Job
from jobs.outcomes import Call, Ending, Result
from jobs.statements import breaking
from jobs.watcher import keep_up
from tenants.clock import database_now
from tests.factories.flows import make_breaker
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant
from tests.integration.down_hosts import ENGINE
from tests.integration.sessions import OtherSession, wait_until_it_waits_or_ends

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = 24 * HOUR
CLOSED: dict[str, Any] = {"opened_at": None, "probe_at": None, "failures": 3}
STATES: dict[str, dict[str, Any]] = {
    "closed": CLOSED,
    "given up": {},
    "recovering": {"recovering_at": NOW, "answers": 2},
}


def host(number, *, hours=25, merchant=None, **values):
    """Return the breaker of a host that was called last so many hours before NOW."""
    return make_breaker(
        merchant=merchant or make_merchant(),
        handler=f"host{number}.example",
        changed_at=NOW - hours * HOUR,
        **values,
    )


def wait_for(breaker, **values):
    waits = {"gate": "parked", "parked_by": breaker.pk, "parked_rank": NOW}
    return make_job(merchant=breaker.merchant, kind="http", **{**waits, **values})


def forget(limit=100):
    return lifecycle.forget_breakers(before=NOW - DAY, limit=limit)


def fail(breaker):
    """Report a call of the host that was not answered, as a worker does."""
    call = Call(
        merchant_id=breaker.merchant_id,
        handler=breaker.handler,
        answered=False,
        code="timeout",
        began_at=database_now(),
    )
    ending = Ending(
        job_id=breaker.pk, ticket=1, outcome=Result.FAILED, status="retryable", call=call
    )
    return lifecycle.heed_breakers([ending], ENGINE)


@pytest.mark.parametrize("state", STATES)
def test_host_that_nobody_waits_for_is_forgotten_a_day_after_its_last_call(state):
    merchant = make_merchant()
    host(1, merchant=merchant, **STATES[state])
    young = host(2, hours=23, merchant=merchant, **STATES[state])
    awaited = host(3, merchant=merchant, **STATES[state])
    wait_for(awaited)
    # Those who waited once, or who wait for another, hold none of them.
    once = host(4, merchant=merchant, **STATES[state])
    wait_for(once, status="cancelled")
    wait_for(young)
    other = host(1, hours=1, **STATES[state])
    assert keep_up(NOW).breakers == 2
    assert set(Breaker.objects.all()) == {young, awaited, other}
    assert keep_up(NOW).breakers == 0


def test_upkeep_forgets_more_than_one_step_removes_and_no_more_than_its_bound(monkeypatch):
    monkeypatch.setattr(watcher, "PRUNE_LIMIT", 2)
    monkeypatch.setattr(watcher, "PRUNE_STEPS", 3)
    merchant = make_merchant()
    awaited = host(99, hours=100, merchant=merchant)
    wait_for(awaited)
    for number in range(9):
        host(number, hours=25 + number, merchant=merchant, **CLOSED)
    assert [keep_up(NOW).breakers for _ in range(3)] == [6, 3, 0]
    assert Breaker.objects.get() == awaited


def test_a_step_forgets_those_first_that_were_called_longest_ago():
    merchant = make_merchant()
    latest, *_ = [host(n, hours=26 + n, merchant=merchant, **CLOSED) for n in range(3)]
    assert forget(limit=2) == 2
    assert Breaker.objects.get() == latest


def test_forgotten_host_that_fails_again_begins_from_one():
    breaker = host(1, **CLOSED)
    assert forget() == 1
    fail(breaker)
    again = Breaker.objects.get()
    assert (again.handler, again.failures, again.opened_at) == (breaker.handler, 1, None)
    assert again.pk != breaker.pk


def test_old_hosts_are_found_by_index_and_the_others_not_read():
    merchant = make_merchant()
    host(0, merchant=merchant, **CLOSED)
    Breaker.objects.bulk_create(
        Breaker(
            merchant=merchant,
            handler=f"fresh{number}.example",
            failures=1,
            error_code="timeout",
            changed_at=NOW + number * SECOND,
        )
        for number in range(2_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job, jobs_breaker")
        given: dict[str, Any] = {"before": NOW - DAY, "limit": 100}
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS OFF) {breaking.FORGET}", given)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "breaker_changed" in plan, plan
    assert "job_parked" in plan, plan
    assert "Rows Removed" not in plan, plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["closed", "given up"])
def test_host_whose_failure_a_worker_is_writing_is_left_alone(state):
    breaker = host(1, **STATES[state])
    neighbour = host(2, **STATES[state])
    with transaction.atomic():
        fail(breaker)
        assert OtherSession(forget).result() == 1
    assert not Breaker.objects.filter(pk=neighbour.pk).exists()
    assert forget() == 0
    assert Breaker.objects.get().failures == breaker.failures + 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("state", "left"), [("closed", [1]), ("given up", [])], ids=["closed", "given up"]
)
def test_worker_that_meets_a_host_being_forgotten_waits_and_goes_on(state, left):
    """Of one that was given up it keeps to what it read: the attempt does not count."""
    breaker = host(1, **STATES[state])
    with transaction.atomic():
        assert forget() == 1
        worker = OtherSession(lambda: fail(breaker))
        wait_until_it_waits_or_ends(worker)
    [ending] = worker.result().endings
    assert ending.counted == (state == "closed")
    assert list(Breaker.objects.values_list("failures", flat=True)) == left


@pytest.mark.django_db(transaction=True)
def test_two_upkeeps_at_once_share_the_work():
    merchant = make_merchant()
    for number in range(6):
        host(number, merchant=merchant, **CLOSED)
    with transaction.atomic():
        assert forget(limit=4) == 4
        assert OtherSession(forget).result() == 2
    assert not Breaker.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_job_that_gets_in_line_while_its_host_is_forgotten_is_let_out():
    breaker = host(1)
    with transaction.atomic():
        job = wait_for(breaker)
        assert OtherSession(forget).result() == 1
    assert len(lifecycle.release_parked(now=NOW, places={"async": 10}).ids) == 1
    assert Job.objects.get(pk=job.pk).gate == ""
