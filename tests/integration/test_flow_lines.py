"""Lines in which not everybody can go: nobody else waits for those."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.models import Flow, Job, Worker
from jobs.statements import flowing
from tenants.statement import execute
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.keyed_jobs import end, settle

pytestmark = pytest.mark.django_db
ENGINE = Engine()
POLLS = 3
MILLISECOND = timedelta(milliseconds=1)


def fast(**overrides):
    return make_worker(run_times={"python:demo.noop": 0.001}, **overrides)


@pytest.mark.parametrize("since", [NOW - 60 * SECOND, datetime(2000, 1, 1, tzinfo=UTC)])
def test_in_the_operators_line_merchants_take_turns(valkey, since):
    fast()
    make_flow(scope="kind", name="python", most_active=2)
    flood, small = make_merchant(), make_merchant()
    for _ in range(40):
        make_job(merchant=flood, scheduled_at=since)
    settle()
    mine = make_job(merchant=small, scheduled_at=NOW - SECOND)
    for _ in range(10):
        settle()
        mine.refresh_from_db()
        if mine.status == "queued":
            return
        end(*Job.objects.filter(status="queued"))
    raise AssertionError("Twenty jobs of the flood went before the other merchant's only one.")


def test_suspended_merchants_jobs_hold_up_nobody_in_the_operators_line(valkey):
    fast()
    make_flow(scope="kind", name="python", most_active=1)
    suspended, other = make_merchant(), make_merchant()
    running = make_job(merchant=other, scheduled_at=NOW - timedelta(hours=1))
    for _ in range(20):
        make_job(merchant=suspended, scheduled_at=NOW - 60 * SECOND)
    waits = make_job(merchant=other)
    settle()
    suspended.active = False
    suspended.save()
    end(running)
    for _ in range(POLLS):
        settle()
    waits.refresh_from_db()
    assert waits.status == "queued"


def test_jobs_of_a_lane_without_workers_hold_up_nobody_in_their_line(valkey):
    fast()
    fast(lane="process")
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", most_active=1)
    running = make_job(merchant=merchant, scheduled_at=NOW - timedelta(hours=1))
    for _ in range(20):
        make_job(merchant=merchant, lane="process", scheduled_at=NOW - 60 * SECOND)
    waits = make_job(merchant=merchant)
    settle()
    Worker.objects.filter(lane="process").delete()
    end(running)
    for _ in range(POLLS):
        settle()
    waits.refresh_from_db()
    assert waits.status == "queued"


def test_populator_looks_again_when_a_bucket_has_its_next_token(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", rate=20, rate_period=1, burst=1)
    for _ in range(3):
        make_job(merchant=merchant)
    settle()
    upcoming = populator.next_due(NOW)
    assert upcoming is not None
    assert upcoming <= NOW + timedelta(milliseconds=51)


@pytest.mark.parametrize(("rate", "period"), [(20, 1), (7, 60), (3, 86_400), (999_983, 1)])
def test_whoever_waits_for_a_token_goes_at_the_moment_that_is_named(valkey, rate, period):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", rate=rate, rate_period=period, burst=1)
    for _ in range(4):
        make_job(merchant=merchant)
    settle()
    for number in range(2, 5):
        moment = populator.next_due(NOW)
        assert moment is not None
        Worker.objects.update(heartbeat_at=moment)
        settle(moment - MILLISECOND)
        assert Job.objects.filter(status="queued").count() == number - 1
        settle(moment)
        assert Job.objects.filter(status="queued").count() == number


def test_populator_whose_clock_is_late_fills_no_bucket_twice(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", rate=1, rate_period=1, burst=10)
    for number, now in ((8, NOW), (10, NOW - 10 * SECOND)):
        for _ in range(number):
            make_job(merchant=merchant, scheduled_at=NOW - 60 * SECOND)
        settle(now)
    settle(NOW)
    assert Job.objects.filter(status="queued").count() == 10


def test_lines_that_cannot_move_are_left_out(valkey):
    fast()
    names = ("paused", "deleted", "resumed", "empty", "full")
    merchants = [make_merchant(name) for name in names]
    bounds: list[dict[str, Any]] = [{"paused": True}] * 3 + [{"rate": 1, "rate_period": 60}]
    rules = {}
    for name, merchant, bound in zip(names, merchants, [*bounds, {"most_active": 1}], strict=True):
        rules[name] = make_flow(merchant=merchant, scope="merchant", **bound).pk
        for _ in range(2):
            make_job(merchant=merchant)
    settle()
    assert Job.objects.filter(gate="parked").count() == 8
    Flow.objects.filter(pk=rules["deleted"]).delete()
    Flow.objects.filter(pk=rules["resumed"]).update(paused_at=None)

    def looked_at(now):
        return {row[0] for row in execute(flowing.WAITED_FOR, now=now)}

    assert looked_at(NOW) == {rules[name] for name in ("deleted", "resumed", "full")}
    assert looked_at(NOW + 60 * SECOND) == {rules[name] for name in names if name != "paused"}
    settle()
    assert Job.objects.filter(gate="parked").count() == 4


def test_message_that_the_broker_refused_has_taken_its_token(valkey):
    fast()
    merchant = make_merchant()
    make_flow(merchant=merchant, scope="merchant", rate=1, rate_period=60)
    job = make_job(merchant=merchant)
    settle()
    job.refresh_from_db()
    assert job.ticket is not None
    lifecycle.unqueue([(job.pk, job.ticket)])
    settle()
    job.refresh_from_db()
    assert (job.status, job.gate) == ("scheduled", "parked")
    minute_later = NOW + 60 * SECOND
    fast(heartbeat_at=minute_later)
    settle(minute_later)
    job.refresh_from_db()
    assert job.status == "queued"
