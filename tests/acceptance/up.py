"""A real `manage.py up` in a home of its own, for tests that start, kill and stop it."""

import json
import os
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from taskflow.embedded.ports import free_port
from taskflow.supervisor.processes import ROOT

BOUND = 180.0


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; fail with `what` when it does not within the bound."""
    until = time.monotonic() + BOUND
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not within {BOUND:g} s: {what}")
        time.sleep(0.1)


class Up:
    """One home with ports of its own, and the supervisor that runs in it."""

    def __init__(self, home: Path, log: Path) -> None:
        self.home = home
        self.log = log
        self.api_port = free_port()
        self.flower_port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self, **variables: str) -> subprocess.Popen[bytes]:
        """Start `manage.py up` with nothing of the test run's configuration; do not wait."""
        kept = {key: text for key, text in os.environ.items() if not key.startswith("TASKFLOW_")}
        environment = {
            **kept,
            "TASKFLOW_HOME": str(self.home),
            "TASKFLOW_API_PORT": str(self.api_port),
            "TASKFLOW_FLOWER_PORT": str(self.flower_port),
            **variables,
        }
        command = [sys.executable, str(ROOT / "manage.py"), "up"]
        with self.log.open("wb") as output:
            return subprocess.Popen(
                command, cwd="/", env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    def running(self) -> "Up":
        """Start it unless it runs, and wait for the welcome."""
        if self.process is None:
            self.process = self.launch()
            self.wait_for("TaskFlow is running")
        return self

    def wait_for(self, text: str) -> None:
        """Wait until the terminal shows the text; fail with its end when it never does."""
        process = self.process
        assert process is not None
        eventually(lambda: text in self.shown() or process.poll() is not None, f"{text!r} shown")
        assert text in self.shown(), self.shown()[-3000:]

    def shown(self) -> str:
        """Return what the terminal has shown since the last start."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def end(self, number: int) -> int:
        """Send the signal, wait for the end, return the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(BOUND)
        self.process = None
        return status

    def credentials(self) -> dict[str, str]:
        known: dict[str, str] = json.loads((self.home / "credentials.json").read_text())
        return known

    def descendants(self) -> dict[int, str]:
        """Return all live processes below the supervisor, with their command lines."""
        assert self.process is not None
        found: dict[int, str] = {}
        front = [self.process.pid]
        while front:
            parent = front.pop()
            children = [pid for pid, (above, state) in process_table().items() if above == parent]
            found.update((pid, command_line(pid)) for pid in children)
            front += children
        return found

    def pid_of(self, words: str) -> int | None:
        """Return the supervisor's child whose command line has these words."""
        matching = [pid for pid, line in self.descendants().items() if words in line]
        return min(matching, default=None)

    def call(self, path: str) -> Any:
        """GET a path of the API with the demo's key and return the JSON."""
        known = self.credentials()
        return fetch(
            urllib.request.Request(known["api_url"] + path, headers={"x-api-key": known["api_key"]})
        )

    def printed_example(self) -> Any:
        """Do what the printed `curl` line does, without curl; return the created job."""
        line = next(line for line in self.shown().splitlines() if line.startswith("curl "))
        words = shlex.split(line)
        headers = [words[at + 1] for at, word in enumerate(words) if word == "-H"]
        return fetch(
            urllib.request.Request(
                next(word for word in words if word.startswith("http://")),
                data=words[words.index("-d") + 1].encode(),
                headers=dict(header.split(": ", 1) for header in headers),
                method=words[words.index("-X") + 1],
            )
        )


def fetch(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def process_table() -> dict[int, tuple[int, str]]:
    """Return parent and state of every process but those that wait to be reaped."""
    found: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(") ")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state not in "ZX":
            found[int(entry.name)] = (int(parent), state)
    return found


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def still_alive(known: dict[int, str]) -> dict[int, str]:
    """Return those of the known processes that live; a number reused by another is none of them."""
    table = process_table()
    return {pid: line for pid, line in known.items() if pid in table and command_line(pid) == line}
