"""Publish jobs through the async lane: claimed, sent, recorded."""

import json

import pytest
from django.db import connection

from jobs import lifecycle
from jobs.executor.async_lane import AsyncLane
from jobs.handlers.publish.destinations import RedisList
from jobs.models import DeadLetter, Execution, Job
from tenants.clock import database_now
from tests.factories.jobs import make_job
from tests.factories.tenants import make_merchant
from tests.integration.test_async_lane import ENGINE, until
from tests.publish_kit import destination

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lane(transactional_db):
    running = AsyncLane(ENGINE)
    running.start()
    assert running.identity.wait_registered(10)
    yield running
    running.stop(patience=0)
    connection.close()


def run(lane, **fields):
    payload = {"destination": "there", "json": {"order": 17}}
    job = make_job(kind="publish", handler="there", payload=payload, max_attempts=1, **fields)
    found = lifecycle.queue_due(lane="async", now=database_now(), limit=10, lease=60)
    lane.execute([(queued.job_id, queued.ticket) for queued in found])
    until(lambda: Job.objects.get(pk=job.pk).status in ("succeeded", "failed"), "it ends")
    return Job.objects.get(pk=job.pk)


def test_a_job_is_sent_and_its_receipt_is_kept(lane, settings, redis_url, valkey):
    settings.TASKFLOW_DESTINATIONS = {"there": destination(redis_url, RedisList(key="tests:list"))}
    bystander = make_job(status="succeeded")
    job = run(lane)
    assert job.status == "succeeded"
    output = Execution.objects.get(job_id=job.pk).output
    assert output is not None
    assert (output["key"], output["length"]) == ("tests:list", 1)
    (sent,) = map(json.loads, valkey.lrange("tests:list", 0, -1))
    assert (sent["id"], sent["body"]) == (str(job.pk), {"order": 17})
    assert Job.objects.get(pk=bystander.pk).status == "succeeded"


def test_a_job_to_a_destination_of_another_merchant_is_rejected(lane, settings, redis_url, valkey):
    there = destination(
        redis_url, RedisList(key="tests:list"), merchants=frozenset({make_merchant().pk})
    )
    settings.TASKFLOW_DESTINATIONS = {"there": there}
    job = run(lane)
    assert job.status == "failed"
    assert DeadLetter.objects.get(job=job).error_code == "destination_denied"
    assert valkey.llen("tests:list") == 0


def test_a_destination_that_is_gone_may_come_back(lane, settings):
    settings.TASKFLOW_DESTINATIONS = {}
    job = run(lane)
    assert Execution.objects.get(job_id=job.pk).outcome == "failed"
    assert DeadLetter.objects.get(job=job).error_code == "unknown_destination"
