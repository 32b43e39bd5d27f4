"""`make up` runs commands only where some are allowed and their sandbox holds."""

import io
import json

import pytest

from taskflow.env import ConfigurationError, Environment
from taskflow.supervisor.commands import usable_commands
from taskflow.supervisor.console import Console
from tests.integration.commands.kit import needs_sandbox, shell


def usable(tmp_path, **document):
    """Return what the processes are told, and what the terminal shows."""
    file = tmp_path / "commands.json"
    file.write_text(json.dumps(document))
    stream = io.StringIO()
    console = Console(stream, colour=False, width=8)
    path = usable_commands(Environment({"TASKFLOW_COMMANDS": str(file)}), console)
    return path, stream.getvalue()


def test_nothing_is_allowed_and_nothing_said_by_default():
    stream = io.StringIO()
    assert usable_commands(Environment({}), Console(stream, colour=False, width=8)) == ""
    assert stream.getvalue() == ""


@needs_sandbox
def test_a_working_sandbox_switches_commands_on(tmp_path):
    path, said = usable(tmp_path, commands={"shell": shell()})
    assert path == str(tmp_path / "commands.json")
    assert said == ""


def test_without_a_sandbox_commands_stay_off_for_every_process(tmp_path):
    path, said = usable(tmp_path, commands={"shell": shell()}, bubblewrap="/nowhere/bwrap")
    assert path == ""
    assert "stay switched off" in said
    assert "install bubblewrap" in said


def test_a_broken_list_is_refused_before_anything_starts(tmp_path):
    with pytest.raises(ConfigurationError, match="TASKFLOW_COMMANDS"):
        usable(tmp_path, commands={})
