"""What a worker tells between two heartbeats: how long work takes that was not known before."""

import threading
import time
from dataclasses import replace

import pytest
from django.db import connection

from jobs import lifecycle
from jobs.engine import Engine
from jobs.executor.async_lane import AsyncLane
from jobs.models import Worker
from tenants.clock import database_now
from tests.factories.jobs import make_job, make_worker

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = 3_600.0
PATIENCE = 20.0


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.fixture
def started():
    """Start lanes by their engines; all are stopped in the end."""
    lanes = []

    def start(engine):
        lane = AsyncLane(engine)
        lanes.append(lane)
        lane.start()
        assert lane.identity.wait_registered(PATIENCE)
        return lane

    yield start
    for lane in lanes:
        lane.stop(patience=0)
    connection.close()


def run(lane, handler):
    make_job(handler=handler, payload={"handler": handler, "arguments": {}})
    found = lifecycle.queue_due(lane="async", now=database_now(), limit=10, lease=60)
    assert lane.execute([(queued.job_id, queued.ticket) for queued in found]) == 1


def told(lane):
    worker = Worker.objects.get(id=lane.identity.worker_id)
    return set(worker.run_times)


def test_new_work_is_told_long_before_the_next_beat(started):
    bystander = make_worker(run_times={"python:report": 8.0})
    lane = started(Engine(heartbeat=HOUR, worker_lease=10 * HOUR))
    run(lane, "demo.noop")
    until(lambda: told(lane) == {"python:demo.noop"}, "the first kind of work is told")
    run(lane, "demo.echo")
    until(lambda: told(lane) == {"python:demo.noop", "python:demo.echo"}, "so is the second")
    assert Worker.objects.get(id=bystander.id).run_times == {"python:report": 8.0}


def test_an_error_in_an_early_report_does_not_end_the_heartbeat(started, monkeypatch):
    lane = started(Engine(heartbeat=1.0, worker_lease=HOUR))
    beaten, stumbled = threading.Event(), threading.Event()
    means = lane.run_times.means

    def stumble():
        stumbled.set()
        monkeypatch.setattr(lane.run_times, "means", means)
        raise RuntimeError("of no kind that anybody thought of")

    identity = lane.identity
    monkeypatch.setattr(identity, "_duties", replace(identity._duties, inspect=beaten.set))
    assert beaten.wait(PATIENCE)
    until(lambda: identity._last_beat > 0 and told(lane) == set(), "the beat is written")
    monkeypatch.setattr(lane.run_times, "means", stumble)
    run(lane, "demo.noop")
    assert stumbled.wait(PATIENCE)
    beaten.clear()
    assert beaten.wait(PATIENCE), "the next beat comes"
    until(lambda: told(lane) == {"python:demo.noop"}, "and tells what the report could not")
