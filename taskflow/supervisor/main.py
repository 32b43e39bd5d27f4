"""`manage.py up` from the first line to the last process."""

import os
import time
from collections.abc import Mapping
from typing import TextIO

from taskflow.home import Home
from taskflow.supervisor.console import Console
from taskflow.supervisor.lock import locked
from taskflow.supervisor.processes import STOP_STAGES
from taskflow.supervisor.startup import start_everything
from taskflow.supervisor.stop_request import StopRequest
from taskflow.supervisor.supervisor import StopRequested, Supervisor
from taskflow.supervisor.welcome import answers, welcome

# How long the welcome waits for the workers once the API answers.
READY_SECONDS = 30.0


def up(home: Home, variables: Mapping[str, str], stream: TextIO) -> None:
    """Run TaskFlow until somebody asks for a stop, then leave no process behind.

    Call it from the main thread. Raises CannotStart, UnusableHome or ConfigurationError.
    """
    names = [name for stage in STOP_STAGES for name in stage]
    colour = stream.isatty() and "NO_COLOR" not in os.environ
    console = Console(stream, colour=colour, width=max(map(len, names)))
    with locked(home):
        supervisor = Supervisor(console, StopRequest.installed())
        try:
            _run(supervisor, home, variables)
        except StopRequested:
            pass
        finally:
            console.say("Stopping.")
            supervisor.stop_all()
        console.say("Stopped; the data is kept.")


def _run(supervisor: Supervisor, home: Home, variables: Mapping[str, str]) -> None:
    started = start_everything(supervisor, home, variables)
    api_url = started.credentials.api_url
    alive_since = None
    while not supervisor.stop_requested:
        supervisor.turn()
        if alive_since is None and answers(f"{api_url}/health/live"):
            alive_since = time.monotonic()
        # Readiness waits for every worker: the printed job then runs at once. A part that does not
        # come up has said so above, and must not hide the addresses of the others.
        if alive_since and (
            answers(f"{api_url}/health/ready") or time.monotonic() - alive_since > READY_SECONDS
        ):
            welcome(supervisor.console, home, started)
            break
    while not supervisor.stop_requested:
        supervisor.turn()
