"""The populator's step on real servers: what it queues, packs, publishes, and takes back."""

import json
from base64 import b64decode
from datetime import timedelta

import pytest

from jobs import populator
from jobs.engine import Engine
from jobs.models import DeadLetter, Job
from jobs.populator import Populated
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker

pytestmark = pytest.mark.django_db
ENGINE = Engine()


def messages(valkey, lane="async"):
    """Return the tickets of the lane's messages, oldest first."""
    raw = reversed(valkey.lrange(f"taskflow:{lane}", 0, -1))
    bodies = [json.loads(b64decode(json.loads(m)["body"])) for m in raw]
    return [body[0][0] for body in bodies]


def fast(**overrides):
    return make_worker(run_times={"python:demo.noop": 0.001}, **overrides)


def test_due_jobs_are_published_once_with_their_tickets(valkey):
    make_worker()
    job = make_job()
    later = make_job(scheduled_at=NOW + SECOND)

    assert populator.populate(NOW, ENGINE) == Populated(queued=1, messages=1)
    assert populator.populate(NOW, ENGINE) == Populated()

    job.refresh_from_db()
    later.refresh_from_db()
    assert messages(valkey) == [[[str(job.id), job.ticket]]]
    assert later.status == "scheduled"


def test_messages_carry_ids_and_tickets_and_nothing_of_the_payload(valkey):
    make_worker()
    make_job(payload={"handler": "demo.noop", "arguments": {"secret": "hunter2"}}, name="hunter2")
    populator.populate(NOW, ENGINE)
    (raw,) = valkey.lrange("taskflow:async", 0, -1)
    assert b"hunter2" not in raw
    assert b"hunter2" not in b64decode(json.loads(raw)["body"])


def test_measured_work_travels_together_and_unknown_work_alone(valkey):
    fast(capacity=500)
    merchant = make_merchant()
    for _ in range(150):
        make_job(merchant=merchant)
    make_job(merchant=merchant, handler="demo.echo", priority=0)
    make_job(merchant=merchant, handler="demo.echo", priority=0)
    while populator.populate(NOW, ENGINE).more:
        pass
    assert [len(tickets) for tickets in messages(valkey)] == [100, 50, 1, 1]


def test_an_idle_lane_gets_its_first_message_before_the_rest_is_queued(valkey):
    fast()
    for _ in range(150):
        make_job()
    first = populator.populate(NOW, ENGINE)
    assert (first.queued, first.more) == (ENGINE.message_jobs, True)
    assert populator.populate(NOW, ENGINE).queued == 50


def test_jobs_of_the_process_lane_travel_alone(valkey):
    fast(lane="process", capacity=2)
    for _ in range(3):
        make_job(lane="process")
    populator.populate(NOW, ENGINE)
    assert [len(tickets) for tickets in messages(valkey, "process")] == [1, 1, 1]


def test_a_lane_without_a_live_worker_keeps_its_jobs_waiting():
    make_worker(lane="process")
    make_worker(heartbeat_at=NOW - timedelta(minutes=5))
    make_worker(state="lost")
    job = make_job()
    assert populator.populate(NOW, ENGINE) == Populated()
    job.refresh_from_db()
    assert job.status == "scheduled"


def test_few_jobs_go_out_until_the_first_ones_are_measured(valkey):
    make_worker(capacity=25)
    for _ in range(40):
        make_job()
    assert populator.populate(NOW, ENGINE).queued == 25


def test_no_more_lies_in_the_broker_than_the_workers_can_soon_do(valkey):
    make_worker(capacity=15, run_times={"python:demo.noop": 1.0})
    for _ in range(40):
        make_job()
    first = populator.populate(NOW, ENGINE)
    second = populator.populate(NOW, ENGINE)
    assert (first.queued, first.full) == (15, True)
    assert (second.queued, second.full) == (0, True)
    assert Job.objects.filter(status="scheduled").count() == 25


def test_jobs_past_their_deadline_fail_as_expired(valkey):
    make_worker()
    late, bystander = make_job(expires_at=NOW - SECOND), make_job(scheduled_at=NOW + SECOND)
    assert populator.populate(NOW, ENGINE).expired == 1
    late.refresh_from_db()
    bystander.refresh_from_db()
    assert (late.status, bystander.status) == ("failed", "scheduled")
    assert DeadLetter.objects.get(job=late).error_code == "expired"


def test_jobs_that_the_broker_refuses_are_scheduled_again_at_once(valkey):
    make_worker()
    job = make_job()
    valkey.config_set("maxmemory", "1")
    try:
        result = populator.populate(NOW, ENGINE)
    finally:
        valkey.config_set("maxmemory", "0")
    job.refresh_from_db()
    assert (result.refused, job.status, job.attempt) == (1, "scheduled", 0)


def test_the_next_moment_is_the_earliest_waiting_jobs():
    make_job(scheduled_at=NOW + 30 * SECOND, priority=9)
    make_job(scheduled_at=NOW + 20 * SECOND, lane="process", status="retryable")
    make_job(scheduled_at=NOW - SECOND)
    make_job(status="succeeded", scheduled_at=NOW + SECOND)
    assert populator.next_due(NOW) == NOW + 20 * SECOND


def test_a_step_costs_the_same_number_of_statements_for_one_job_and_for_many(
    valkey, django_assert_num_queries
):
    fast()
    make_job()
    with django_assert_num_queries(4):
        populator.populate(NOW, ENGINE)
    for _ in range(150):
        make_job()
    with django_assert_num_queries(4):
        assert populator.populate(NOW, ENGINE).queued == 150
