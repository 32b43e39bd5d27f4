"""Lines in which not everybody can go: nobody else waits for those."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.models import Job, Worker
from jobs.outcomes import Ending, Result
from tests.factories.flows import make_flow
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
ENGINE = Engine()
POLLS = 3


def fast(**overrides):
    return make_worker(run_times={"python:demo.noop": 0.001}, **overrides)


def settle(now=NOW):
    """Step until nothing more is to be done now."""
    while populator.populate(now, ENGINE).more:
        pass


def end(*jobs):
    """Claim and end queued jobs as a worker would."""
    worker = make_worker(lane="nowhere")
    found = Job.objects.filter(pk__in=[job.pk for job in jobs])
    tickets = [(job.pk, job.ticket) for job in found if job.ticket is not None]
    attempts = lifecycle.claim(tickets=tickets, worker_id=worker.pk, engine=ENGINE)
    assert len(attempts) == len(jobs)
    lifecycle.finish(
        [
            Ending(
                job_id=one.job_id, ticket=one.ticket, outcome=Result.SUCCEEDED, status="succeeded"
            )
            for one in attempts
        ]
    )


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
