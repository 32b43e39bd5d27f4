"""The process lane with real children: overruns, crashes, poison, cancel, shutdown."""

from pathlib import Path

import pytest

from jobs import lifecycle
from jobs.models import DeadLetter, Execution, Job, Worker
from jobs.publishing import wake
from tenants.clock import database_now
from tests.acceptance.stack import eventually, running_stack
from tests.factories.jobs import make_job, make_merchant

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PLUGIN = str(Path(__file__).resolve().parents[1] / "plugin")


@pytest.fixture
def stack(database_url, redis_url, tmp_path):
    """Populator and process worker, which know the misbehaving plugin."""
    names = ("populator", "worker-process")
    with running_stack(database_url, redis_url, tmp_path, *names, PYTHONPATH=PLUGIN) as running:
        eventually(lambda: Worker.objects.filter(state="alive").exists(), "a worker registers")
        yield running


def job_of(merchant, handler, **overrides):
    arguments = overrides.pop("arguments", {})
    return make_job(
        merchant=merchant,
        lane="process",
        handler=handler,
        payload={"handler": handler, "arguments": arguments},
        scheduled_at=database_now(),
        backoff={"strategy": "fixed", "base": 0.1, "jitter": 0},
        **overrides,
    )


def status_of(job):
    return Job.objects.get(id=job.id).status


def until(job, status):
    eventually(lambda: status_of(job) == status, f"{job.handler} is {status}")


def outcomes(job):
    executions = Execution.objects.filter(job_id=job.id).order_by("number")
    return list(executions.values_list("number", "outcome"))


def test_misbehaving_jobs_end_and_their_neighbours_live(stack):
    shop = make_merchant()
    slow = job_of(shop, "test.nap", arguments={"seconds": 60}, timeout=0.5, max_attempts=1)
    deaf = job_of(shop, "test.deaf", timeout=0.5, max_attempts=1)
    poison = job_of(shop, "test.crash", max_attempts=10)
    unlucky = job_of(shop, "test.crash", arguments={"until": 2})
    neighbours = [job_of(shop, "test.nap", arguments={"seconds": 0.05}) for _ in range(10)]
    wake()

    for job in neighbours:
        until(job, "succeeded")
        assert outcomes(job) == [(1, "succeeded")]
    for job in (slow, deaf):
        until(job, "failed")
        assert outcomes(job) == [(1, "timed_out")]
    assert Execution.objects.get(job_id=deaf.id).log == ["hears nothing"]
    until(unlucky, "succeeded")
    assert outcomes(unlucky) == [(1, "lost"), (2, "succeeded")]
    until(poison, "failed")
    assert outcomes(poison) == [(1, "lost"), (2, "lost"), (3, "lost")]
    assert DeadLetter.objects.get(job=poison).error_code == "poison"
    assert Worker.objects.get().state == "alive"


def test_cancel_and_shutdown_reach_a_running_child(stack):
    shop = make_merchant()
    cancelled = job_of(shop, "test.nap", arguments={"seconds": 60})
    handed_back = job_of(shop, "test.nap", arguments={"seconds": 60})
    wake()
    eventually(lambda: status_of(cancelled) == status_of(handed_back) == "running", "both run")

    lifecycle.cancel(job_ids=[cancelled.id], now=database_now())
    eventually(lambda: status_of(cancelled) == "cancelled", "the cancelled job stops")
    assert status_of(handed_back) == "running"

    assert stack.terminate("worker-process") == 0
    # Handed back before the worker's goodbye: the populator may be quicker than that.
    assert status_of(handed_back) in {"scheduled", "queued"}
    assert outcomes(handed_back) == [(1, "released")]
    assert Worker.objects.get().state == "stopped"


def test_handler_that_must_not_run_twice_is_dead_lettered_when_its_process_or_worker_dies(stack):
    shop = make_merchant()
    crashed = job_of(shop, "test.once")
    running = job_of(shop, "test.once", arguments={"seconds": 60})
    neighbour = job_of(shop, "test.crash", arguments={"until": 2})
    wake()
    until(crashed, "failed")
    until(neighbour, "succeeded")
    assert outcomes(crashed) == [(1, "lost")]
    assert Execution.objects.get(job_id=crashed.id).log == ["did it"]
    assert DeadLetter.objects.get(job=crashed).error_code == "ambiguous"

    until(running, "running")
    stack.kill("worker-process")
    stack.start("worker-process", "worker-control", "beat")
    until(running, "failed")
    assert outcomes(running) == [(1, "lost")]
    assert DeadLetter.objects.get(job=running).error_code == "ambiguous"


def test_last_progress_of_a_silent_handler_is_shown(stack):
    job = job_of(make_merchant(), "test.report", arguments={"seconds": 60})
    wake()
    eventually(
        lambda: (
            Job.objects.values_list("progress", "progress_note").get(id=job.id)
            == (90, "nearly done")
        ),
        "the second report is shown",
    )
    assert status_of(job) == "running"
