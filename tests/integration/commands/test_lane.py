"""The command lane: a worker's loop of its own, with few places, for jobs that name it."""

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from jobs import lifecycle
from jobs.engine import Engine
from jobs.executor.async_lane import AsyncLane
from jobs.handlers.command.kind import RUNNER
from jobs.models import Execution, Job, Worker
from taskflow.command_lane import NoCommands, command_lane
from tenants.clock import database_now
from tests.factories.jobs import make_job
from tests.integration.commands.kit import (
    allowing,
    needs_sandbox,
    processes_with,
    shell,
    unique_word,
    until,
)

pytestmark = pytest.mark.django_db(transaction=True)
ENGINE = Engine(heartbeat=0.1, worker_lease=3, deadline_grace=1, command_capacity=2)


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.TASKFLOW_ALLOWED_COMMANDS = allowing(shell=shell())


@pytest.fixture
def lane(transactional_db: None) -> Any:
    running = command_lane(ENGINE)
    running.start()
    assert running.identity.wait_registered(20)
    yield running
    running.stop(patience=0)
    connection.close()


def queued(script: str) -> tuple[Job, list[Any]]:
    payload = {"command": "shell", "arguments": {"script": script}}
    job = make_job(kind="command", handler="shell", lane="command", payload=payload, max_attempts=1)
    found = lifecycle.queue_due(lane="command", now=database_now(), limit=10, lease=60)
    return job, [(q.job_id, q.ticket) for q in found]


def status(job: Job) -> str:
    return Job.objects.get(id=job.id).status


@needs_sandbox
def test_a_command_job_runs_in_its_lane_and_its_output_is_kept(lane: AsyncLane) -> None:
    bystander = make_job()
    job, tickets = queued("echo done")
    assert lane.execute(tickets) == 1
    until(lambda: status(job) == "succeeded", "the job succeeds")
    output = Execution.objects.get(job_id=job.id).output
    assert output is not None
    assert (output["exit_code"], output["stdout"]) == (0, "done\n")
    assert status(bystander) == "scheduled"
    worker = Worker.objects.get()
    assert (worker.lane, worker.capacity) == ("command", ENGINE.command_capacity)


@needs_sandbox
def test_a_cancelled_command_job_is_killed_whole_and_its_neighbour_goes_on(lane: AsyncLane) -> None:
    word, other = unique_word(), unique_word()
    neighbour, others = queued(f"sleep 300 # {other}")
    job, tickets = queued(f"setsid sh -c 'sleep 300 # {word}' & wait")
    lane.execute(others)
    lane.execute(tickets)
    until(lambda: processes_with(word) and processes_with(other), "both run")
    lifecycle.cancel(job_ids=[job.id], now=database_now())
    until(lambda: status(job) == "cancelled", "the job is cancelled")
    assert processes_with(word) == []
    assert status(neighbour) == "running"
    assert processes_with(other)


@needs_sandbox
def test_a_stopping_lane_hands_its_commands_back_and_leaves_nothing(lane: AsyncLane) -> None:
    word = unique_word()
    job, tickets = queued(f"sleep 300 # {word}")
    lane.execute(tickets)
    until(lambda: processes_with(word), "it runs")
    lane.stop(patience=0)
    assert status(job) == "scheduled"
    assert processes_with(word) == []


def test_there_is_no_lane_while_commands_are_off(settings: Any) -> None:
    settings.TASKFLOW_ALLOWED_COMMANDS = type(allowing(shell=shell()))()
    with pytest.raises(NoCommands, match="TASKFLOW_COMMANDS"):
        command_lane(ENGINE)


def test_there_is_no_lane_without_a_sandbox(settings: Any) -> None:
    settings.TASKFLOW_ALLOWED_COMMANDS = type(allowing(shell=shell()))(
        commands=allowing(shell=shell()).commands, bubblewrap="/nowhere/bwrap"
    )
    with pytest.raises(NoCommands, match="bubblewrap"):
        command_lane(ENGINE)


def test_commands_are_off_by_default() -> None:
    from taskflow import settings as ours

    assert django_settings.TASKFLOW_ALLOWED_COMMANDS.is_on  # this test's own
    assert not ours.TASKFLOW_ALLOWED_COMMANDS.is_on


@pytest.fixture(autouse=True)
def _runner_as_before() -> Any:
    before = RUNNER._tools
    yield
    RUNNER._tools = before


def test_the_async_lanes_worker_runs_no_command(transactional_db: None) -> None:
    RUNNER._tools = None  # what a process has that opened no command lane
    lane = AsyncLane(ENGINE)
    lane.start()
    try:
        assert lane.identity.wait_registered(20)
        job, tickets = queued("echo done")
        lane.execute(tickets)
        until(lambda: status(job) == "failed", "it is refused")
        execution = Execution.objects.get(job_id=job.id)
        assert (execution.error_code, execution.output) == ("sandbox_unavailable", None)
    finally:
        lane.stop(patience=0)
        connection.close()
