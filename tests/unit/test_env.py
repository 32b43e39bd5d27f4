"""Readers of the environment refuse a bad value with a sentence that names the variable."""

import os
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from taskflow.env import ConfigurationError, Environment

ROOT = Path(__file__).resolve().parent.parent.parent


def one_problem(environment: Environment) -> str:
    assert len(environment.problems) == 1, environment.problems
    return environment.problems[0]


@pytest.mark.parametrize("word", ["1", "true", "YES", " on "])
def test_flag_is_on(word):
    assert Environment({"A": word}).flag("A", default=False) is True


@pytest.mark.parametrize("word", ["0", "False", "no", "OFF"])
def test_flag_is_off(word):
    assert Environment({"A": word}).flag("A", default=True) is False


@pytest.mark.parametrize("unset", [{}, {"A": ""}, {"A": "  "}])
def test_unset_and_blank_mean_the_default(unset):
    environment = Environment(unset)
    assert environment.text("A", "fallback") == "fallback"
    assert environment.flag("A", default=True) is True
    assert environment.integer("A", 7, minimum=0, maximum=9) == 7
    assert environment.seconds("A", 1.5, minimum=0, maximum=9) == 1.5
    assert environment.choice("A", ("x", "y"), "y") == "y"
    assert environment.names("A") == []
    assert environment.url("A", ("redis",), "redis://here") == "redis://here"
    environment.raise_problems()


def test_flag_refuses_other_words():
    environment = Environment({"TASKFLOW_DEBUG": "maybe"})
    assert environment.flag("TASKFLOW_DEBUG", default=False) is False
    assert one_problem(environment) == "TASKFLOW_DEBUG must be true or false; got 'maybe'."


@pytest.mark.parametrize("bad", ["1.5", "ten", "--5", "-", "1_000", "²", "٣", "9" * 5000])
def test_integer_refuses_what_is_not_a_whole_number(bad):
    environment = Environment({"TASKFLOW_N": bad})
    assert environment.integer("TASKFLOW_N", 3, minimum=0, maximum=10) == 3
    assert one_problem(environment).startswith("TASKFLOW_N must be a whole number; got ")


@pytest.mark.parametrize("edge", ["-2", "10"])
def test_integer_takes_its_bounds(edge):
    environment = Environment({"A": edge})
    assert environment.integer("A", 3, minimum=-2, maximum=10) == int(edge)
    environment.raise_problems()


@pytest.mark.parametrize("outside", ["-3", "11"])
def test_integer_refuses_what_is_out_of_bounds(outside):
    environment = Environment({"A": outside})
    assert environment.integer("A", 3, minimum=-2, maximum=10) == 3
    assert one_problem(environment) == f"A must be between -2 and 10; got {outside}."


@pytest.mark.parametrize("bad", ["nan", "inf", "-1", "soon"])
def test_seconds_refuses_what_is_no_bounded_duration(bad):
    environment = Environment({"TASKFLOW_POLL": bad})
    assert environment.seconds("TASKFLOW_POLL", 0.5, minimum=0.1, maximum=60) == 0.5
    assert one_problem(environment).startswith("TASKFLOW_POLL must be ")


def test_choice_ignores_case_and_refuses_others():
    assert Environment({"A": "JSON"}).choice("A", ("text", "json"), "text") == "json"
    environment = Environment({"A": "xml"})
    environment.choice("A", ("text", "json"), "text")
    assert one_problem(environment) == "A must be one of text, json; got 'xml'."


def test_secret_may_live_in_a_file(tmp_path):
    (tmp_path / "key").write_text("from the file\n")
    variables = {"A": "from the variable", "A_FILE": str(tmp_path / "key")}
    assert Environment(variables).secret("A") == "from the file"


def test_secret_file_that_is_missing_is_named(tmp_path):
    environment = Environment({"A_FILE": str(tmp_path / "gone")})
    assert environment.secret("A") == ""
    assert one_problem(environment).startswith("A_FILE: cannot read ")


def test_networks_are_read_and_bad_ones_named():
    environment = Environment({"A": "127.0.0.0/8, ::1/128, 10.0.0.1/8"})
    assert environment.networks("A") == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert "'10.0.0.1/8' is not a network" in one_problem(environment)


@pytest.mark.parametrize(
    "bad", ["http://u:hunter2@h", "redis://:hunter2@", "redis://hunter2@h:port", "redis://[hunter2"]
)
def test_refused_url_is_never_echoed(bad):
    environment = Environment({"TASKFLOW_REDIS_URL": bad})
    assert environment.url("TASKFLOW_REDIS_URL", ("redis", "rediss")) == ""
    problem = one_problem(environment)
    assert "TASKFLOW_REDIS_URL must be a URL" in problem
    assert "hunter2" not in problem


def test_all_problems_come_at_once():
    environment = Environment({"A": "x", "B": "y"})
    environment.integer("A", 1, minimum=0, maximum=9)
    environment.flag("B", default=True)
    with pytest.raises(ConfigurationError) as caught:
        environment.raise_problems()
    assert [line[:6] for line in caught.value.problems] == ["A must", "B must"]


def settings_import(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Import the settings in a process that has only these variables of TaskFlow's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKFLOW_")}
    code = "from taskflow import settings; print(settings.REDIS_URL)"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, "TASKFLOW_HOME": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


SAFE = {
    "TASKFLOW_ENV": "production",
    "TASKFLOW_SECRET_KEY": "k" * 48,
    "TASKFLOW_API_KEY_PEPPER": "p" * 48,
    "TASKFLOW_DATABASE_URL": "postgresql://u:p@postgres:5432/taskflow",
    "TASKFLOW_REDIS_URL": "redis://:p@valkey:6379/0",
    "TASKFLOW_ALLOWED_HOSTS": "taskflow.example.com",
}


def test_production_with_nothing_set_lists_everything_that_is_wrong(tmp_path):
    run = settings_import(tmp_path, TASKFLOW_ENV="production")
    assert run.returncode != 0
    for name in SAFE.keys() - {"TASKFLOW_ENV"}:
        assert f"\n  - {name} is unset" in run.stderr, name


def test_production_starts_when_everything_is_safe(tmp_path):
    run = settings_import(tmp_path, **SAFE)
    assert run.returncode == 0, run.stderr
    # The host is called valkey; only a scheme of that name may be rewritten.
    assert run.stdout.strip() == "redis://:p@valkey:6379/0"


def test_valkey_scheme_is_understood(tmp_path):
    run = settings_import(tmp_path, TASKFLOW_REDIS_URL="valkeys://:p@valkey:6379/0")
    assert run.stdout.strip() == "rediss://:p@valkey:6379/0", run.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("TASKFLOW_DEBUG", "true", "TASKFLOW_DEBUG is on"),
        ("TASKFLOW_SECRET_KEY", "short", "TASKFLOW_SECRET_KEY is shorter than 32"),
        ("TASKFLOW_API_KEY_PEPPER", "k" * 48, "TASKFLOW_API_KEY_PEPPER is unset or equals"),
        ("TASKFLOW_API_KEY_PEPPER", "x" * 31, "TASKFLOW_API_KEY_PEPPER is shorter than 32"),
        ("TASKFLOW_HTTP_ALLOW_NETWORKS", "0.0.0.0/0", "TASKFLOW_HTTP_ALLOW_NETWORKS opens"),
        ("TASKFLOW_HTTP_ALLOW_NETWORKS", "10.0.0.0/8,::/0", "opens ::/0"),
        ("TASKFLOW_HTTP_ALLOW_NETWORKS", "169.254.0.0/16", "opens 169.254.0.0/16"),
        ("TASKFLOW_HTTP_ALLOW_NETWORKS", "fd00::/8", "opens fd00::/8"),
        ("TASKFLOW_ALLOWED_HOSTS", "*", "TASKFLOW_ALLOWED_HOSTS has a wildcard"),
        ("TASKFLOW_ALLOWED_HOSTS", "ok.example.com,*.example.com", "has a wildcard"),
        ("TASKFLOW_ALLOWED_HOSTS", ".example.com", "has a wildcard"),
    ],
)
def test_production_refuses_one_unsafe_setting(tmp_path, name, value, sentence):
    run = settings_import(tmp_path, **{**SAFE, name: value})
    assert run.returncode != 0
    assert sentence in run.stderr
    assert run.stderr.count("\n  - ") == 1


def test_production_may_open_a_private_network(tmp_path):
    run = settings_import(tmp_path, **SAFE, TASKFLOW_HTTP_ALLOW_NETWORKS="10.1.0.0/16,fd12::/16")
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("rest", ["hunter2%zz@h/db", "hunter2%ff@h/db", "hunter2@h/db?foo=1"])
def test_database_url_that_libpq_refuses_is_named_and_never_shown(tmp_path, rest):
    url = f"postgresql://u:{rest}"
    run = settings_import(tmp_path, TASKFLOW_DATABASE_URL=url, TASKFLOW_DEBUG="maybe")
    assert run.returncode != 0
    assert "\n  - TASKFLOW_DATABASE_URL " in run.stderr
    assert "\n  - TASKFLOW_DEBUG " in run.stderr
    assert "hunter2" not in run.stderr


def test_production_ignores_the_credentials_of_a_development_home(tmp_path):
    (tmp_path / "credentials.json").write_text('{"database_url": "postgresql://x@y/z"}')
    run = settings_import(tmp_path, TASKFLOW_ENV="production")
    assert "TASKFLOW_DATABASE_URL is unset" in run.stderr


def test_faulty_destinations_stop_the_start_with_a_sentence_and_without_the_url(tmp_path):
    faulty = '{"mails": {"type": "list", "url": "redis://:hunter2@h/0"}}'
    run = settings_import(tmp_path, TASKFLOW_PUBLISH_DESTINATIONS=faulty)
    assert run.returncode != 0
    line = 'TASKFLOW_PUBLISH_DESTINATIONS: destination "mails": "key" is required; add it.'
    assert f"\n  - {line}" in run.stderr
    assert "hunter2" not in run.stderr


def test_destinations_may_stand_in_a_file(tmp_path):
    file = tmp_path / "destinations.json"
    file.write_text('{"mails": {"type": "list", "url": "redis://:hunter2@h/0", "key": "m"}}')
    good = settings_import(tmp_path, TASKFLOW_PUBLISH_DESTINATIONS_FILE=str(file))
    assert good.returncode == 0, good.stderr
    file.write_text("[]")
    bad = settings_import(tmp_path, TASKFLOW_PUBLISH_DESTINATIONS_FILE=str(file))
    assert "TASKFLOW_PUBLISH_DESTINATIONS: must be a JSON object" in bad.stderr


def test_bearer_token_is_taken_as_it_is():
    token = "Zm9yLXRlc3RzLW9ubHktMDEyMzQ1Njc4OQ=="
    assert Environment({"A": token}).bearer_token("A") == token
    environment = Environment({})
    assert environment.bearer_token("A") == ""
    environment.raise_problems()


@pytest.mark.parametrize("bad", ["short", "x" * 31, "x" * 32 + " y", "=" * 40, "\xe9" * 40])
def test_bearer_token_that_nobody_could_send_or_that_is_short_is_refused_unseen(bad):
    environment = Environment({"TASKFLOW_T": bad})
    assert environment.bearer_token("TASKFLOW_T") == ""
    problem = one_problem(environment)
    assert problem.startswith("TASKFLOW_T must have 32 or more ")
    assert bad not in problem
