"""The watcher with real processes: canaries, a worker that takes nothing, a job that kills its worker."""

from pathlib import Path

import pytest
from django.conf import settings

from jobs.models import Canary, DeadLetter, Execution, Job, Worker
from jobs.publishing import wake
from jobs.pulse import silent_lanes
from taskflow.celery import app
from tenants.clock import database_now
from tests.acceptance.stack import SHORT, eventually, running_stack
from tests.factories.jobs import make_job, make_merchant

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PLUGIN = str(Path(__file__).resolve().parents[1] / "plugin")
FEW = {"TASKFLOW_CANARY": "0.5", "TASKFLOW_LANE_SILENCE": "3"}


@pytest.fixture
def stack(database_url, redis_url, tmp_path):
    """Populator, watcher and async worker."""
    names = ("populator", "worker-async", "worker-control", "beat")
    environment = {**FEW, "PYTHONPATH": PLUGIN}
    with running_stack(database_url, redis_url, tmp_path, *names, **environment) as running:
        eventually(alive, "a worker registers")
        yield running


def alive():
    return Worker.objects.filter(state="alive", lane="async").exists()


def came_back(lane):
    return Canary.objects.filter(lane=lane, succeeded_at__isnull=False).exists()


def silent(lanes):
    engine = settings.TASKFLOW_ENGINE
    short = type(engine)(worker_lease=float(SHORT["TASKFLOW_WORKER_LEASE"]), lane_silence=3.0)
    return {found.lane for found in silent_lanes(lanes, now=database_now(), engine=short)}


def test_canaries_come_back_from_each_lane_and_none_pile_up(stack):
    stack.start("worker-process")
    eventually(lambda: came_back("async"), "the async lane's canary comes back")
    eventually(lambda: came_back("process"), "the process lane's canary comes back")
    due = Canary.objects.get(lane="async").due_at
    eventually(
        lambda: Canary.objects.filter(lane="async", succeeded_at__gt=due, due_at__gt=due).exists(),
        "another one is sent and comes back",
    )
    assert Job.objects.filter(kind="canary").count() <= 4
    assert not DeadLetter.objects.exists()


def test_worker_that_lives_and_takes_nothing_makes_its_lane_silent(stack):
    eventually(lambda: came_back("async"), "the canary comes back")
    app.control.cancel_consumer("async")
    eventually(lambda: silent(["async"]), "the lane is silent")
    assert alive()
    app.control.add_consumer("async")
    eventually(lambda: not silent(["async"]), "the lane works again")
    last = Canary.objects.get(lane="async").due_at
    eventually(
        lambda: Canary.objects.filter(succeeded_at__gt=last).exists(), "canaries come back again"
    )


def test_job_that_kills_its_worker_is_poison_and_its_neighbours_succeed(stack):
    shop = make_merchant()
    backoff = {"strategy": "fixed", "base": 0.2, "jitter": 0}
    common = {"merchant": shop, "backoff": backoff, "scheduled_at": database_now()}

    def job(handler, **overrides):
        payload = {"handler": handler, "arguments": {}}
        return make_job(handler=handler, payload=payload, **{**common, **overrides})

    # They begin before it, so that it takes all of them along each time.
    neighbours = [job("demo.sleep") for _ in range(6)]
    poison = job("test.kill_worker", max_attempts=20)
    wake()

    def settled():
        if not alive_process(stack):
            stack.kill("worker-async")
            stack.start("worker-async")
        return not Job.objects.filter(merchant=shop, finalized_at=None).exists()

    eventually(settled, "all jobs end", within=150)
    poison.refresh_from_db()
    assert poison.status == "failed"
    [letter] = DeadLetter.objects.filter(merchant=shop)
    assert (letter.job_id, letter.error_code) == (poison.id, "poison")
    ids = [one.id for one in neighbours]
    assert set(Job.objects.filter(id__in=ids).values_list("status", flat=True)) == {"succeeded"}
    assert set(Execution.objects.filter(job_id=poison.id).values_list("outcome", flat=True)) == {
        "lost"
    }


def alive_process(stack):
    return stack._processes["worker-async"].poll() is None
