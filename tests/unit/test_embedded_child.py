"""Children end with their parent, in groups of their own, and nothing runs as root for long."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taskflow.embedded.account import server_account
from taskflow.embedded.child import Launch, has_ended, kill_group, spawn, stop, wait_until
from taskflow.embedded.errors import CannotStart
from taskflow.embedded.folders import make_folder

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs PR_SET_PDEATHSIG")
ROOT = Path(__file__).resolve().parent.parent.parent
BOUND = 30.0


def python(code: str, stdin: str = "") -> Launch:
    return Launch(argv=[sys.executable, "-c", code], stdin=stdin)


def eventually(condition, what: str) -> None:
    until = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_stdin_reaches_the_process_and_both_outputs_come_back(tmp_path):
    code = "import sys; print(sys.stdin.read()); print('and this', file=sys.stderr)"
    with (tmp_path / "log").open("wb") as output:
        process = spawn(python(code, stdin="a secret"), output)
    assert process.wait(BOUND) == 0
    assert sorted((tmp_path / "log").read_text().splitlines()) == ["a secret", "and this"]


def test_process_leads_a_group_of_its_own():
    process = spawn(
        python("import sys; sys.stdin.read(); import time; time.sleep(600)"), subprocess.DEVNULL
    )
    try:
        assert os.getpgid(process.pid) == process.pid != os.getpgrp()
    finally:
        stop(process, signal.SIGTERM, seconds=BOUND)


def test_process_that_ignores_the_signal_is_killed_with_its_children(tmp_path):
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = spawn(python(code), output)
    eventually(lambda: log.read_text().endswith("\n"), "the grandchild runs")
    grandchild = int(log.read_text())
    stop(process, signal.SIGTERM, seconds=0.1)
    assert process.returncode == -signal.SIGKILL
    if sys.platform.startswith("linux"):
        eventually(lambda: not lives(grandchild), "the grandchild has ended")


def test_group_of_a_reaped_process_is_left_alone():
    process = spawn(python("pass"), subprocess.DEVNULL)
    eventually(lambda: has_ended(process), "the process has ended")
    kill_group(process)
    assert process.returncode == 0
    kill_group(process)


def test_waiting_says_that_the_process_has_ended():
    process = spawn(python("raise SystemExit(3)"), subprocess.DEVNULL)
    with pytest.raises(CannotStart, match="it ended at once"):
        wait_until(lambda: False, process, name="it", seconds=BOUND)
    stop(process, signal.SIGTERM, seconds=BOUND)
    assert process.returncode == 3


@LINUX
def test_child_ends_when_its_parent_is_killed(tmp_path):
    code = (
        "import sys, time\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from taskflow.embedded.child import Launch, spawn\n"
        "sleeper = [sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(600)']\n"
        "child = spawn(Launch(argv=sleeper), sys.stdout.buffer)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    log = tmp_path / "log"
    with log.open("wb") as output:
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=output)
    eventually(lambda: len(log.read_text().splitlines()) == 2, "both run")
    child = max(int(line) for line in log.read_text().splitlines())
    assert lives(child)
    parent.kill()
    parent.wait(BOUND)
    eventually(lambda: not lives(child), "the child has ended")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands over to another account")
def test_root_is_given_up_for_good(tmp_path):
    account = server_account()
    assert account is not None
    show = 'id -u; id -g; id -G; cat /etc/shadow 2>/dev/null || echo "closed"'
    with (tmp_path / "log").open("wb") as output:
        process = spawn(Launch(argv=["/bin/sh", "-c", show], account=account), output)
    assert process.wait(BOUND) == 0
    uid, gid = str(account.uid), str(account.gid)
    assert (tmp_path / "log").read_text().split() == [uid, gid, gid, "closed"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands over to another account")
def test_reach_is_tried_as_the_account_through_every_parent(tmp_path):
    account = server_account()
    assert account is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    within = closed / "open"
    within.mkdir()
    within.chmod(0o777)
    assert account.can_enter(Path("/"))
    assert not account.can_enter(within)
    assert closed.stat().st_mode & 0o777 == 0o700


def test_folder_of_another_keeps_its_mode(tmp_path):
    existing = tmp_path / "existing"
    existing.mkdir(mode=0o700)
    make_folder(existing, 0o755)
    assert existing.stat().st_mode & 0o777 == 0o700


def test_new_folder_has_its_mode_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        make_folder(tmp_path / "new", 0o755)
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o755
