"""The command lane with real processes: who starts it, who refuses, what its death leaves."""

import json
import os
import signal
import subprocess
import sys

import pytest

from jobs.models import Execution, Job, Worker
from taskflow.supervisor.processes import ROOT
from tenants.clock import database_now
from tests.acceptance.stack import eventually, running_stack
from tests.factories.jobs import make_job
from tests.integration.commands.kit import needs_sandbox, processes_with, shell, unique_word

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def allowed(tmp_path):
    """The path of an operator's file."""
    file = tmp_path / "commands.json"
    file.write_text(json.dumps({"commands": {"shell": shell()}}))
    return str(file)


def due(script):
    payload = {"command": "shell", "arguments": {"script": script}}
    return make_job(
        kind="command",
        handler="shell",
        lane="command",
        payload=payload,
        scheduled_at=database_now(),
        backoff={"strategy": "fixed", "base": 0.2, "jitter": 0},
    )


def worker_said(database_url, redis_url, **variables):
    """Start a command worker that must end by itself; return its status and what it said."""
    command = [sys.executable, "-m", "celery", "-A", "taskflow", "-q", "worker", "-Q", "command"]
    run = subprocess.run(
        [*command, "-P", "threads", "-c", "1", "--without-gossip", "--without-mingle"],
        cwd=ROOT,
        env={
            **os.environ,
            "TASKFLOW_DATABASE_URL": database_url,
            "TASKFLOW_REDIS_URL": redis_url,
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


@needs_sandbox
def test_a_command_job_goes_all_the_way_and_dies_with_its_worker(
    database_url, redis_url, tmp_path, allowed
):
    names = ("populator", "worker-command")
    with running_stack(
        database_url, redis_url, tmp_path, *names, TASKFLOW_COMMANDS=allowed
    ) as stack:
        eventually(lambda: Worker.objects.filter(lane="command").exists(), "the worker registers")
        done = due("echo done")
        eventually(lambda: Job.objects.get(id=done.id).status == "succeeded", "it succeeds")
        output = Execution.objects.get(job_id=done.id).output
        assert output is not None
        assert output["stdout"] == "done\n"
        word = unique_word()
        due(f"setsid sh -c 'sleep 300 # {word}' & wait")
        # bubblewrap outside and within are two that carry the word before the program begins.
        eventually(lambda: len(processes_with(word)) > 2, "it runs")
        os.kill(stack.pid("worker-command"), signal.SIGKILL)
        eventually(lambda: not processes_with(word), "nothing outlives the worker")


def test_a_worker_without_commands_ends_and_says_why(database_url, redis_url):
    status, said = worker_said(database_url, redis_url)
    assert status != 0
    assert "TASKFLOW_COMMANDS" in said


def test_a_worker_without_a_sandbox_ends_and_says_why(database_url, redis_url, tmp_path):
    file = tmp_path / "commands.json"
    listed = {"bubblewrap": "/nowhere/bwrap", "commands": {"shell": shell()}}
    file.write_text(json.dumps(listed))
    status, said = worker_said(database_url, redis_url, TASKFLOW_COMMANDS=str(file))
    assert status != 0
    assert "install bubblewrap" in said
    assert not Worker.objects.exists()
