"""docker-compose.yml and Dockerfile name only what exists, and run what `manage.py up` runs."""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.apps import apps
from django.core.management import get_commands

from taskflow.celery import app
from taskflow.supervisor.processes import Ports, definitions

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
EXAMPLE = (ROOT / "deploy" / "taskflow.env.example").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
TABLE = {
    known.name: known
    for known in definitions(Ports(api=8000, flower=5555, echo=1), flower_login="user:password")
    if known.name != "echo"  # the demo's target; production calls real ones
}
LOCAL = re.compile(r"--address=.*|127\.0\.0\.1:\d+")


def example_variables() -> dict[str, str]:
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def variables_that_code_reads() -> set[str]:
    """Every TASKFLOW_ name that a module of ours mentions as a whole string."""
    found: set[str] = set()
    for path in (ROOT / "taskflow").rglob("*.py"):
        found.update(re.findall(r'"(TASKFLOW_[A-Z_]+)"', path.read_text()))
    return found


def copied_into_image() -> set[str]:
    copies = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, flags=re.MULTILINE)
    return {word for line in copies for word in line.split()[:-1]}


@pytest.mark.parametrize("name", TABLE)
def test_every_process_of_up_is_a_service_with_the_same_command(name):
    ours = [word for word in TABLE[name].command if not LOCAL.fullmatch(word)]
    theirs = [word for word in SERVICES[name]["command"] if word != "python"]
    missing = [word for word in ours if word not in theirs]
    assert not missing


@pytest.mark.parametrize("name", TABLE)
def test_every_process_tells_its_name_and_keeps_its_settings(name):
    environment = SERVICES[name]["environment"]
    assert environment["TASKFLOW_PROCESS"] == name
    for variable, value in TABLE[name].environment.items():
        if variable != "FLOWER_BASIC_AUTH":
            assert environment[variable] == value


def test_there_is_no_service_that_up_does_not_know():
    assert set(SERVICES) == {*TABLE, "postgres", "valkey", "migrate"}


def test_every_management_command_exists():
    used = {
        service["command"][2]
        for service in SERVICES.values()
        if service.get("command", [])[:2] == ["python", "manage.py"]
    }
    assert used == {"migrate", "populate"}
    assert used <= set(get_commands())


def test_every_celery_process_names_our_app_and_queues_that_exist():
    lanes = set()
    for service in SERVICES.values():
        command = service.get("command", [])
        if command[:1] != ["celery"]:
            continue
        assert command[1:3] == ["-A", app.main]
        if "-Q" in command:
            lanes.add(command[command.index("-Q") + 1])
    assert lanes == {queue.name for queue in app.conf.task_queues}


def test_every_variable_is_one_that_settings_read():
    text = (ROOT / "docker-compose.yml").read_text() + EXAMPLE
    used = set(re.findall(r"TASKFLOW_[A-Z_]+", text))
    assert "TASKFLOW_DATABASE_URL" in used
    assert used <= variables_that_code_reads()


def test_every_interpolated_variable_is_in_the_example_and_must_be_set():
    text = (ROOT / "docker-compose.yml").read_text()
    used = re.findall(r"\$\{([A-Z_]+)(:\?[^}]+)?\}", text)
    assert {name for name, _ in used} == {
        "POSTGRES_PASSWORD",
        "VALKEY_PASSWORD",
        "FLOWER_BASIC_AUTH",
    }
    for name, guard in used:
        assert guard, name
        assert name in example_variables()


def test_only_the_api_is_published_and_only_on_loopback():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8000:8000"]}


def test_no_secret_is_written_into_a_tracked_file():
    values = example_variables()
    for name in ("TASKFLOW_SECRET_KEY", "TASKFLOW_API_KEY_PEPPER", "FLOWER_BASIC_AUTH"):
        assert values[name] == ""


def test_servers_are_healthy_before_anybody_uses_them():
    for name in ("postgres", "valkey", "api"):
        assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in TABLE:
        waits = SERVICES[name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully"
        assert waits["valkey"]["condition"] == "service_healthy"


def test_servers_are_of_the_versions_that_tests_run_on():
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["valkey"]["image"] == "valkey/valkey:9"


def test_everything_copied_into_the_image_exists():
    copied = copied_into_image()
    assert "manage.py" in copied
    assert [name for name in sorted(copied) if not (ROOT / name).exists()] == []


def test_the_image_has_every_app_lock_file_and_health_check():
    copied = copied_into_image()
    ours = {
        config.name.split(".")[0]
        for config in apps.get_app_configs()
        if Path(config.path).is_relative_to(ROOT) and ".venv" not in config.path
    }
    assert ours
    assert ours <= copied
    assert set(re.findall(r"-r (\S+)", DOCKERFILE)) <= copied
    assert SERVICES["api"]["healthcheck"]["test"][-1] in copied


def test_the_build_context_lets_through_what_is_copied():
    let = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    for name in copied_into_image():
        assert name in let or name.split("/")[0] in let


def test_the_filled_in_example_is_accepted_in_production(tmp_path):
    filled = {
        name: secrets.token_urlsafe(48)
        for name in ("TASKFLOW_SECRET_KEY", "TASKFLOW_API_KEY_PEPPER", "TASKFLOW_ENCRYPTION_KEYS")
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKFLOW_")}
    environment = {**kept, **example_variables(), **filled, "TASKFLOW_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_health_check_asks_the_api_for_a_route_that_exists(client):
    assert '"/health/live"' in (ROOT / "deploy" / "healthy.py").read_text()
    assert client.get("/health/live").status_code == 200
