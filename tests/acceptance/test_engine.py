"""The engine with real processes: what runs, what is retried, what survives which death."""

import os
import signal

import pytest
import redis
from django.db import connection

from jobs import lifecycle
from jobs.models import DeadLetter, Execution, Job, Worker
from jobs.publishing import wake
from tenants.clock import database_now
from tests.acceptance.stack import eventually, running_stack
from tests.factories.jobs import make_job, make_merchant

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def stack(database_url, redis_url, tmp_path):
    """Echo target, populator and async worker."""
    names = ("echo", "populator", "worker-async")
    with running_stack(database_url, redis_url, tmp_path, *names) as running:
        eventually(lambda: Worker.objects.filter(state="alive").exists(), "a worker registers")
        yield running


def due(**overrides):
    overrides.setdefault("backoff", {"strategy": "fixed", "base": 0.2, "jitter": 0})
    return make_job(scheduled_at=database_now(), **overrides)


def http_job(url, **overrides):
    payload = {"method": "POST", "url": url, "json": {"n": 1}}
    return due(kind="http", handler="", payload=payload, **overrides)


def sleeping_jobs(count, seconds):
    merchant = make_merchant()
    payload = {"handler": "demo.sleep", "arguments": {"seconds": seconds}}
    return [due(merchant=merchant, handler="demo.sleep", payload=payload) for _ in range(count)]


def statuses(jobs):
    return set(Job.objects.filter(id__in=[j.id for j in jobs]).values_list("status", flat=True))


def numbers(job):
    return list(
        Execution.objects.filter(job_id=job.id).order_by("number").values_list("number", flat=True)
    )


def watch_with(stack):
    stack.start("worker-control", "beat")


def test_a_job_goes_all_the_way(stack):
    job = http_job(f"{stack.echo_url}/echo")
    wake()
    eventually(lambda: statuses([job]) == {"succeeded"}, "the job succeeds")
    execution = Execution.objects.get(job_id=job.id)
    assert execution.http_status == 200
    assert execution.output is not None
    assert execution.output["status"] == 200


def test_a_target_that_fails_twice_is_retried_and_one_that_always_fails_is_dead_lettered(stack):
    twice = http_job(f"{stack.echo_url}/fail/2")
    always = http_job(f"{stack.echo_url}/status/503", max_attempts=3)
    wake()
    eventually(lambda: statuses([twice]) == {"succeeded"}, "the third attempt succeeds")
    eventually(lambda: statuses([always]) == {"failed"}, "the last attempt fails")
    assert numbers(twice) == numbers(always) == [1, 2, 3]
    assert DeadLetter.objects.get(job=always).error_code == "http_503"


def test_killing_the_worker_loses_none_of_a_hundred_running_jobs(stack):
    jobs = sleeping_jobs(100, 2)
    wake()
    eventually(lambda: statuses(jobs) == {"running"}, "all hundred run")
    stack.kill("worker-async")
    stack.start("worker-async")
    watch_with(stack)

    eventually(lambda: statuses(jobs) == {"succeeded"}, "all hundred succeed", within=90)
    for job in jobs:
        outcomes = list(
            Execution.objects.filter(job_id=job.id)
            .order_by("number")
            .values_list("number", "outcome")
        )
        assert outcomes == [(1, "lost"), (2, "succeeded")]


def test_a_populator_killed_between_its_commit_and_its_publish_loses_nothing(stack, redis_url):
    watch_with(stack)
    with redis.Redis.from_url(redis_url) as broker:
        valkey = int(broker.info("server")["process_id"])
    # A frozen broker holds the populator exactly there: committed, not published.
    os.kill(valkey, signal.SIGSTOP)
    try:
        job = due()
        eventually(lambda: statuses([job]) == {"queued"}, "the populator has committed")
        stack.kill("populator")
    finally:
        os.kill(valkey, signal.SIGCONT)
    assert statuses([job]) == {"queued"}
    stack.start("populator")
    eventually(lambda: statuses([job]) == {"succeeded"}, "its queue lease brings it back")
    assert numbers(job) == [1]


def test_killing_the_populator_loses_nothing_and_another_takes_the_lead(stack):
    watch_with(stack)
    stack.start("populator#2")
    jobs = sleeping_jobs(50, 0.1)
    wake()
    stack.kill("populator")
    eventually(lambda: statuses(jobs) == {"succeeded"}, "all succeed under the second populator")
    assert all(numbers(job) == [1] for job in jobs)


def test_flushing_the_broker_loses_nothing(stack, redis_url):
    stack.kill("worker-async")
    jobs = sleeping_jobs(150, 0.1)
    stack.start("worker-async")
    eventually(lambda: "running" in statuses(jobs), "the first jobs run")
    with redis.Redis.from_url(redis_url) as broker:
        broker.flushall()
    watch_with(stack)
    eventually(lambda: statuses(jobs) == {"succeeded"}, "all succeed in spite of the flush")
    assert all(numbers(job) == [1] for job in jobs)


def test_a_stopping_worker_hands_its_jobs_back_uncounted(stack):
    jobs = sleeping_jobs(20, 30)
    wake()
    eventually(lambda: statuses(jobs) == {"running"}, "all run")
    assert stack.terminate("worker-async") == 0

    assert statuses(jobs) == {"scheduled"}
    assert set(Execution.objects.values_list("outcome", flat=True)) == {"released"}
    assert all(job.attempt == job.earlier_attempts == 1 for job in Job.objects.all())
    assert set(Worker.objects.values_list("state", flat=True)) == {"stopped"}


def test_a_running_job_that_is_cancelled_stops(stack):
    cancelled, bystander = sleeping_jobs(2, 30)
    wake()
    eventually(lambda: statuses([cancelled, bystander]) == {"running"}, "both run")
    lifecycle.cancel(job_ids=[cancelled.id], now=database_now())
    eventually(lambda: statuses([cancelled]) == {"cancelled"}, "the job stops")
    assert statuses([bystander]) == {"running"}


def test_a_frozen_worker_that_wakes_changes_nothing(stack):
    watch_with(stack)
    (job,) = sleeping_jobs(1, 2)
    wake()
    eventually(lambda: statuses([job]) == {"running"}, "the job runs")
    os.killpg(stack.pid("worker-async"), signal.SIGSTOP)
    frozen = Job.objects.get(id=job.id).worker_id
    stack.start("worker-async#2")
    eventually(lambda: statuses([job]) == {"succeeded"}, "the second worker succeeds")
    os.killpg(stack.pid("worker-async"), signal.SIGCONT)
    eventually(
        lambda: Worker.objects.filter(state="alive", lane="async").count() == 2,
        "the zombie registers anew",
    )
    assert frozen is not None
    assert Worker.objects.get(id=frozen).state == "lost"
    outcomes = Execution.objects.filter(job_id=job.id).order_by("number")
    assert list(outcomes.values_list("number", "outcome")) == [(1, "lost"), (2, "succeeded")]


def test_everybody_reconnects_when_all_connections_are_cut(stack):
    watch_with(stack)
    first = due()
    wake()
    eventually(lambda: statuses([first]) == {"succeeded"}, "the stack works")
    long = sleeping_jobs(3, 1.5)
    wake()
    eventually(lambda: statuses(long) == {"running"}, "three jobs run")
    cut_all_connections()
    after = due()
    lost = make_job(status="queued", queued_at=database_now(), queue_lease_until=database_now())

    eventually(lambda: statuses([*long, after]) == {"succeeded"}, "running and new jobs succeed")
    eventually(lambda: statuses([lost]) == {"succeeded"}, "the watcher works again")
    assert all(numbers(job) == [1] for job in long)


def cut_all_connections():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
