"""What a command in the sandbox tries, and what stops it. Each try has a counterpart that works."""

import asyncio
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.handlers.command.probe import tried_tools
from jobs.outcomes import Result
from tests.integration.commands.kit import (
    SMALL,
    allowing,
    needs_sandbox,
    processes_with,
    run_command,
    run_script,
    shell,
    unique_word,
    until,
    written,
)

pytestmark = needs_sandbox


@pytest.fixture(autouse=True)
def _allowed(settings: Any) -> None:
    settings.TASKFLOW_ALLOWED_COMMANDS = allowing(shell=shell())


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on this machine that everybody may read."""
    path = Path(tempfile.mkdtemp(prefix="taskflow-open-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_the_sandbox_is_tight_on_this_machine() -> None:
    assert asyncio.run(tried_tools(allowing(shell=shell()))).bubblewrap


# Before the bomb: a bounded number of children, which end by themselves within a second.
def test_the_number_of_processes_is_limited() -> None:
    script = (
        "perl -e 'for (1..100) { $p = fork; last unless defined $p; if (!$p) { sleep 1; exit } "
        '$n++ } print "$n $!"\''
    )
    started, _, why = written(run_script(script)).partition(" ")
    assert 1 <= int(started) < SMALL["processes"]
    assert why == "Resource temporarily unavailable"


def test_a_fork_bomb_is_stopped_and_this_machine_goes_on() -> None:
    word = unique_word()
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            seen.append(len(processes_with(word)))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        outcome = run_script(f"exec perl -e 'while (1) {{ fork }} # {word}'", timeout=2)
    finally:
        done.set()
        looking.join()
    assert outcome.result is Result.TIMED_OUT
    # bubblewrap outside, and its first process within; it is one of ours that counts.
    assert 3 <= max(seen) <= SMALL["processes"] + 2
    assert processes_with(word) == []
    assert subprocess.run(["/bin/true"], check=False).returncode == 0


def test_an_allocation_of_ten_gigabytes_is_refused() -> None:
    outcome = run_script('perl -e \'$x = "a" x (10 * 1024 ** 3); print "got it"\'')
    assert outcome.result is Result.FAILED
    assert "got it" not in written(outcome)
    assert "Out of memory" in outcome.output["stderr"]
    assert written(run_script('perl -e \'$x = "a" x (1024 ** 2); print "got it"\'')) == "got it"


def test_memory_that_no_limit_counts_cannot_be_had() -> None:
    calls = {"memfd_create": 319, "memfd_secret": 447} if _is_x86() else {"memfd_create": 279}
    for number in calls.values():
        script = f'perl -e \'$n = "x"; print syscall({number}, $n, 0), " $!"\''
        assert written(run_script(script)) == "-1 Operation not permitted"


def test_the_other_numbers_of_the_same_calls_are_refused_as_well() -> None:
    if not _is_x86():
        pytest.skip("only x86-64 has a second set of numbers")
    x32_getpid = 0x40000000 + 39
    answer = written(run_script(f"perl -e 'print syscall({x32_getpid}), \" $!\"'"))
    assert answer == "-1 Operation not permitted"


def test_a_network_call_reaches_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        port = server.getsockname()[1]
        connect = (
            f'perl -MIO::Socket::INET -e \'$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", '
            f'PeerPort => {port}, Timeout => 3) or die "refused: $!\\n"; print "through"\''
        )
        outcome = run_script(connect)
        assert outcome.output["stderr"] == "refused: Connection refused\n"
        with pytest.raises(BlockingIOError):
            server.accept()
        ours = subprocess.run(["/bin/sh", "-c", connect], capture_output=True, check=True)
        assert ours.stdout == b"through"


def test_there_is_no_interface_but_an_empty_loopback() -> None:
    lines = written(run_script("cat /proc/net/dev")).splitlines()
    assert [line.split(":")[0].strip() for line in lines[2:]] == ["lo"]


def test_a_file_outside_cannot_be_read_unless_the_operator_says_so(
    folder: Path, settings: Any
) -> None:
    secret = secrets.token_hex(16)
    (folder / "secret").write_text(secret)
    settings.TASKFLOW_ALLOWED_COMMANDS = allowing(
        shell=shell(), reader=shell(readable=[str(folder)])
    )
    outcome = run_script(f"cat {folder}/secret")
    assert outcome.result is Result.FAILED
    assert "No such file" in outcome.output["stderr"]
    script = f"cat {folder}/secret; echo x > {folder}/secret"
    outcome = run_command("reader", script=script)
    assert written(outcome) == secret
    assert "Read-only file system" in outcome.output["stderr"]
    assert (folder / "secret").read_text() == secret


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/etc/shadow", "/root", "/home", "/var", "/run", "/sys", "/srv"]
)
def test_nothing_of_this_machine_is_seen_but_its_programs(path: str) -> None:
    assert Path(path).exists() or path == "/srv"
    assert run_script(f"ls {path}").result is Result.FAILED
    assert run_script("ls /usr/bin/env").result is Result.SUCCEEDED


@pytest.mark.parametrize("path", ["/x", "/usr/x", "/dev/x", "/etc/x", "/proc/sys/kernel/hostname"])
def test_nothing_outside_its_own_folders_can_be_written(path: str) -> None:
    assert run_script(f": > {path}").result is Result.FAILED
    assert run_script(": > /tmp/x && : > /dev/shm/x").result is Result.SUCCEEDED
    assert not Path("/usr/x").exists()


def test_one_run_leaves_nothing_for_the_next() -> None:
    assert run_script("echo kept > /tmp/kept && ls /tmp").result is Result.SUCCEEDED
    assert written(run_script("ls /tmp")) == ""


def test_nothing_of_the_worker_is_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = unique_word()
    monkeypatch.setenv("TASKFLOW_SECRET_KEY", secret)
    seen = written(run_script("env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null"))
    assert "PATH=/usr/bin:/bin" in seen
    assert secret not in seen
    names = set(re.findall(r"TASKFLOW_[A-Z_]+", seen))
    assert names == {"TASKFLOW_JOB_ID", "TASKFLOW_ATTEMPT"}


def test_it_sees_no_process_but_its_own() -> None:
    numbers = written(run_script("ls /proc | grep '^[0-9]'")).split()
    assert 2 <= len(numbers) < 10
    assert all(int(number) < 20 for number in numbers)


def test_it_cannot_take_over_the_sandboxs_first_process() -> None:
    # That one has no limits of its own.
    assert run_script(": >> /proc/1/mem").result is Result.FAILED
    assert run_script(": >> /proc/self/mem").result is Result.FAILED
    assert re.search(r"Seccomp:\s+2\n", written(run_script("cat /proc/1/status")))
    assert written(run_script("kill -KILL 1; cat /proc/1/comm")) == "bwrap\n"


def test_it_is_nobody_and_cannot_become_more() -> None:
    status = written(run_script("id -u; cat /proc/self/status"))
    assert status.startswith("65534\n")
    assert re.search(r"CapBnd:\s+0+\n", status)
    assert re.search(r"NoNewPrivs:\s+1\n", status)
    assert re.search(r"Seccomp:\s+2\n", status)
    assert run_script("unshare --user true").result is Result.FAILED
    assert run_script("mount -t tmpfs none /tmp").result is Result.FAILED


def test_a_file_grows_to_its_limit_and_its_folder_too() -> None:
    one = run_script("head -c 3000000 /dev/zero > /tmp/x; stat -c %s /tmp/x")
    assert written(one).strip() == str(SMALL["file_bytes"])
    many = run_script("for i in 1 2 3 4; do head -c 1000000 /dev/zero > /tmp/$i || echo full; done")
    assert written(many).split() == ["full", "full"]


def test_open_files_are_limited() -> None:
    script = 'perl -e \'while (open($h[$n], "<", "/dev/null")) { $n++ } print "$n $!"\''
    number, _, why = written(run_script(script)).partition(" ")
    assert int(number) < SMALL["open_files"]
    assert why == "Too many open files"


def test_a_command_that_burns_the_processor_is_ended_by_its_limit(settings: Any) -> None:
    limits = {**SMALL, "cpu_seconds": 1}
    settings.TASKFLOW_ALLOWED_COMMANDS = allowing(shell=shell(limits=limits))
    outcome = run_script("exec perl -e '1 while 1'")
    assert outcome.failure is not None
    assert outcome.failure.code == "exit_152"  # 128 + SIGXCPU
    assert "SIGXCPU" in outcome.failure.message


def test_what_a_command_leaves_behind_is_killed_with_it() -> None:
    word = unique_word()
    script = f"setsid nohup sh -c 'sleep 300 # {word}' > /dev/null 2>&1 & echo started"
    outcome = run_script(script)
    assert (outcome.result, written(outcome)) == (Result.SUCCEEDED, "started\n")
    assert processes_with(word) == []


def test_a_child_that_changed_its_session_dies_at_the_time_limit_too() -> None:
    word = unique_word()
    script = f"trap '' TERM INT HUP; setsid sh -c 'sleep 300 # {word}' & sleep 300"
    outcome = run_script(script, timeout=1)
    assert outcome.result is Result.TIMED_OUT
    until(lambda: processes_with(word) == [], "nothing is left")


def _is_x86() -> bool:
    return subprocess.run(["uname", "-m"], capture_output=True, check=True).stdout == b"x86_64\n"
