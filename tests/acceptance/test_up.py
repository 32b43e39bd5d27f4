"""`manage.py up` on this machine: starts, survives, says what is wrong, and leaves nothing behind."""

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskflow.embedded.folders import SHARED
from taskflow.embedded.ports import LOOPBACK, is_free
from tests.acceptance.up import BOUND, Up, eventually, still_alive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

PROCESSES = {
    "api": "gunicorn taskflow.wsgi",
    "beat": " beat ",
    "populator": "manage.py populate",
    "worker-async": "-Q async",
    "worker-process": "-Q process",
    "worker-control": "-Q control",
    "flower": " flower ",
    "echo": "manage.py echo_target",
    "postgres": "bin/postgres -D",
    "valkey": "valkey-server",
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that any account may pass through, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="taskflow-up-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def installation(folder: Path) -> Iterator[Up]:
    up = Up(folder / "home", folder / "log")
    yield up
    if up.process is not None:
        up.end(signal.SIGTERM)


@pytest.fixture
def up(installation: Up) -> Up:
    """The module's installation, running."""
    return installation.running()


def test_first_start_writes_credentials_for_the_owner_only(up):
    path = up.home / "credentials.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (up.home / "installation.json").stat().st_mode & 0o777 == 0o600
    known = up.credentials()
    assert known["api_url"] == f"http://127.0.0.1:{up.api_port}"
    expected = {"api_key", "admin_url", "admin_email", "admin_password", "flower_url"}
    expected |= {"flower_user", "flower_password", "database_url", "redis_url"}
    assert expected <= {name for name, text in known.items() if text}


def test_every_process_runs_and_no_secret_is_in_a_command_line(up):
    lines = up.descendants().values()
    for name, words in PROCESSES.items():
        assert any(words in line for line in lines), name
    known = up.credentials()
    for name in ("api_key", "admin_password", "flower_password", "database_url", "redis_url"):
        assert not any(known[name] in line for line in lines), name


def test_printed_example_creates_a_job_that_succeeds(up):
    job = up.printed_example()
    path = f"/api/v1/jobs/{job['id']}"
    eventually(lambda: up.call(path)["status"] == "succeeded", "the example job has succeeded")


@pytest.mark.parametrize("name", ["populator", "valkey", "postgres", "worker-async"])
def test_killed_process_is_started_again_and_said_so(up, name):
    victim = up.pid_of(PROCESSES[name])
    bystander = up.pid_of(PROCESSES["flower"])
    os.kill(victim, signal.SIGKILL)
    up.wait_for(f"{name} was ended by SIGKILL; starting it again")
    eventually(lambda: up.pid_of(PROCESSES[name]) not in {None, victim}, f"{name} runs again")
    assert up.pid_of(PROCESSES["flower"]) == bystander
    eventually(lambda: _is_ready(up), "everything works again")
    job = up.printed_example()
    path = f"/api/v1/jobs/{job['id']}"
    eventually(lambda: up.call(path)["status"] == "succeeded", "a job created now succeeds")


def _is_ready(up: Up) -> bool:
    # An answer other than 200 is an error to urllib, and so is a dropped connection.
    with contextlib.suppress(OSError):
        return bool(up.call("/health/ready"))
    return False


def test_second_start_in_the_same_home_is_refused(up, folder):
    twin = Up(up.home, folder / "twin.log")
    assert twin.launch().wait(BOUND) == 1
    assert f"TaskFlow already runs in {up.home} (process {up.process.pid})" in twin.shown()
    assert _is_ready(up)


def test_taken_port_is_named_and_nothing_is_started(folder):
    with socket.create_server((LOOPBACK, 0)) as stranger:
        taken = stranger.getsockname()[1]
        other = Up(folder / "other", folder / "other.log")
        assert other.launch(TASKFLOW_FLOWER_PORT=str(taken)).wait(BOUND) == 1
    assert f"Port {taken} of 127.0.0.1 is taken" in other.shown()
    assert f"TASKFLOW_FLOWER_PORT={taken + 1}" in other.shown()
    assert "TASKFLOW_API_PORT" not in other.shown()
    assert not (other.home / "postgres").exists()


def test_bad_port_is_refused_with_a_sentence(folder):
    other = Up(folder / "other", folder / "bad.log")
    assert other.launch(TASKFLOW_API_PORT="http").wait(BOUND) == 1
    assert "TASKFLOW_API_PORT must be a whole number; got 'http'." in other.shown()


def test_sigterm_stops_everything_in_order_and_the_next_start_keeps_the_data(installation):
    up = installation.running()
    job = up.printed_example()
    before = up.descendants()
    known = up.credentials()
    assert up.end(signal.SIGTERM) == 0
    assert still_alive(before) == {}
    assert "killing it" not in up.shown()
    assert is_free(up.api_port)
    ends = [up.shown().rindex(text) for text in ("Warm shutdown", "bye bye", "fast shutdown")]
    assert ends == sorted(ends)

    up.running()
    again = up.credentials()
    assert {key: again[key] for key in ("api_key", "admin_password", "secret_key")} == {
        key: known[key] for key in ("api_key", "admin_password", "secret_key")
    }
    path = f"/api/v1/jobs/{job['id']}"
    eventually(lambda: up.call(path)["status"] == "succeeded", "the earlier job has succeeded")


def test_sigkill_of_the_supervisor_leaves_no_process(up):
    before = up.descendants()
    assert up.end(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: still_alive(before) == {}, "every process has ended")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another account")
def test_home_below_a_closed_folder_works_for_root(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    other = Up(closed / "home", folder / "closed.log")
    other.process = other.launch()
    try:
        other.wait_for("database system is ready")
        other.end(signal.SIGTERM)
        instance = SHARED / "instances" / (other.home / "instance").read_text().strip()
        assert str(instance / "postgres") in other.shown()
        assert (other.home / "postgres").resolve() == instance / "postgres"
        assert closed.stat().st_mode & 0o777 == 0o700
        shutil.rmtree(instance)
    finally:
        if other.process is not None:
            other.end(signal.SIGKILL)
