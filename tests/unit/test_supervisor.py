"""The supervisor's parts: console, waits between restarts, what a home remembers."""

import io
import json
import socket
import sys

import pytest

from taskflow.embedded.child import Launch
from taskflow.embedded.errors import CannotStart
from taskflow.embedded.ports import LOOPBACK
from taskflow.home import Credentials, Home, UnusableHome
from taskflow.supervisor.child import BACKOFF_SECONDS, LINE_BYTES, Child
from taskflow.supervisor.console import Console
from taskflow.supervisor.installation import Installation
from taskflow.supervisor.lock import locked
from taskflow.supervisor.processes import STOP_STAGES, Ports, definitions
from taskflow.supervisor.startup import Addresses, Started, child_variables
from taskflow.supervisor.stop_request import StopRequest
from taskflow.supervisor.supervisor import Supervisor
from taskflow.supervisor.welcome import example_command

FILLED = Credentials(
    api_url="http://127.0.0.1:8000",
    api_key="tf_live_key",
    admin_url="http://127.0.0.1:8000/admin/",
    admin_email="a@b.c",
    admin_password="p",
    flower_url="http://127.0.0.1:5555/",
    flower_user="ops",
    flower_password="p",
    database_url="postgresql://u:p@127.0.0.1:1/taskflow",
    redis_url="redis://:p@127.0.0.1:1/0",
    secret_key="s",
)


class ClosedTerminal(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(shown) -> Supervisor:
    return Supervisor(Console(shown, colour=False, width=5), StopRequest())


def python(code: str) -> Launch:
    return Launch(argv=[sys.executable, "-c", code])


def test_lines_stand_under_the_name_of_their_process(shown):
    console = Console(shown, colour=False, width=5)
    console.line("api", "hello")
    console.line("beat", "tick")
    assert shown.getvalue() == "api   | hello\nbeat  | tick\n"


def test_control_characters_cannot_rewrite_other_lines(shown):
    Console(shown, colour=False, width=1).line("a", "x\x1b[2J\r\x07\x9by\tz")
    assert shown.getvalue() == "a | x?[2J???y\tz\n"


def test_colours_are_only_around_the_name(shown):
    Console(shown, colour=True, width=1).line("a", "text")
    assert shown.getvalue().endswith("\x1b[0m text\n")


def test_closed_terminal_asks_for_a_stop():
    console = Console(ClosedTerminal(), colour=False, width=1)
    supervisor = Supervisor(console, StopRequest())
    assert not supervisor.stop_requested
    console.say("anything")
    assert supervisor.stop_requested


def test_first_request_is_orderly_and_the_second_urgent():
    request = StopRequest()
    assert not request.made
    request.note(15, None)
    assert request.made
    assert not request.urgent
    request.note(15, None)
    assert request.urgent


def test_waits_between_restarts_grow_up_to_a_bound():
    child = Child("x", python("pass"))
    child.start()
    child.kill_group()
    waits = [child.plan_restart() for _ in range(len(BACKOFF_SECONDS) + 2)]
    assert waits == [*BACKOFF_SECONDS, BACKOFF_SECONDS[-1], BACKOFF_SECONDS[-1]]
    child.close()


def test_run_returns_the_output_and_shows_the_errors(supervisor, shown):
    code = "import sys; print('result'); print('note', file=sys.stderr)"
    assert supervisor.run("once", python(code)) == b"result\n"
    assert shown.getvalue() == "once  | note\n"


def test_run_that_fails_says_how(supervisor):
    with pytest.raises(CannotStart, match="once ended with status 7"):
        supervisor.run("once", python("raise SystemExit(7)"))


def test_very_long_line_is_shown_whole_in_pieces(supervisor, shown):
    supervisor.run("once", python(f"import sys; sys.stderr.write('x' * {LINE_BYTES * 3} + 'end')"))
    lines = shown.getvalue().splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= LINE_BYTES + len("once  | ")
    assert "".join(line.removeprefix("once  | ") for line in lines) == "x" * LINE_BYTES * 3 + "end"


def test_every_process_has_its_place_in_the_order_of_stopping():
    known = definitions(Ports(api=1, flower=2, echo=3), flower_login="a:b")
    staged = [name for stage in STOP_STAGES for name in stage]
    assert sorted(staged) == sorted([*(one.name for one in known), "postgres", "valkey"])
    assert staged[-2:] == ["valkey", "postgres"]


def test_flowers_login_is_not_an_argument():
    known = definitions(Ports(api=1, flower=2, echo=3), flower_login="ops:hunter2")
    assert not any("hunter2" in word for one in known for word in one.argv())
    assert not any("hunter2" in repr(one) for one in known)


def test_home_is_for_one_supervisor_at_a_time(tmp_path):
    home = Home(tmp_path / "home")
    with locked(home), pytest.raises(CannotStart, match="already runs in"), locked(home):
        pass
    with locked(home):
        pass


def test_installation_is_remembered(tmp_path):
    home = Home(tmp_path)
    first = Installation.of(home)
    assert Installation.of(home) == first
    assert (tmp_path / "installation.json").stat().st_mode & 0o777 == 0o600
    assert first.secret_key not in repr(first)


def test_taken_port_is_replaced_and_the_secrets_stay(tmp_path):
    home = Home(tmp_path)
    first = Installation.of(home)
    with socket.create_server((LOOPBACK, first.valkey_port)):
        second = Installation.of(home)
    assert second.valkey_port != first.valkey_port
    assert second.postgres_port == first.postgres_port
    assert second.secret_key == first.secret_key


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"secret_key": 1}'])
def test_broken_file_of_a_home_is_named(tmp_path, content):
    (tmp_path / "installation.json").write_text(content)
    with pytest.raises(UnusableHome, match=r"installation\.json cannot be read"):
        Installation.of(Home(tmp_path))


def test_credentials_survive_and_stay_private(tmp_path):
    home = Home(tmp_path)
    assert home.credentials() is None
    (tmp_path / "credentials.draft").write_text("left by a killed start")
    home.save_credentials(FILLED)
    assert home.credentials() == FILLED
    assert home.credentials_path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["credentials.json"]


def test_broken_credentials_are_named(tmp_path):
    home = Home(tmp_path)
    home.credentials_path.write_text(json.dumps({"api_url": "x"}))
    with pytest.raises(UnusableHome, match=r"credentials\.json cannot be read"):
        home.credentials()


def test_what_the_operator_set_stays(tmp_path):
    home = Home(tmp_path)
    installation = Installation.of(home)
    addresses = Addresses("postgresql://u@h/d", "redis://h")
    own = {"TASKFLOW_SECRET_KEY": "mine", "TASKFLOW_HTTP_ALLOW_NETWORKS": "10.0.0.0/8", "LANG": "C"}
    shared = child_variables(own, home, installation, addresses)
    assert {name: shared[name] for name in own} == own
    without = child_variables({}, home, installation, addresses)
    assert without["TASKFLOW_SECRET_KEY"] == installation.secret_key
    assert without["TASKFLOW_HTTP_ALLOW_NETWORKS"] == "127.0.0.0/8"


def test_example_is_one_line_for_a_shell():
    command = example_command(Started(FILLED, "http://127.0.0.1:9"))
    assert "\n" not in command
    assert command.startswith("curl -sS -X POST http://127.0.0.1:8000/api/v1/jobs -H ")
