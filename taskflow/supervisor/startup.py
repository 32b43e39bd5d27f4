"""From an empty folder to a running TaskFlow, step by step."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from taskflow.embedded.child import Launch
from taskflow.embedded.errors import CannotStart
from taskflow.embedded.ports import LOOPBACK, is_free
from taskflow.env import Environment
from taskflow.home import Credentials, Home
from taskflow.supervisor.commands import VARIABLE, usable_commands
from taskflow.supervisor.installation import Installation
from taskflow.supervisor.processes import COMMANDS, ROOT, Definition, Ports, definitions
from taskflow.supervisor.servers import start_postgres, start_valkey
from taskflow.supervisor.supervisor import Supervisor

FLOWER_USER = "ops"
QUIET = "ignore:You're running the worker with superuser privileges"


@dataclass(frozen=True)
class Addresses:
    """Where the two servers are, embedded or the operator's."""

    database_url: str
    redis_url: str


@dataclass(frozen=True)
class Started:
    """What runs now."""

    credentials: Credentials
    echo_url: str


def chosen_ports(environment: Environment) -> tuple[int, int]:
    """Return the API's and Flower's port.

    Raises ConfigurationError for a bad value, CannotStart for a port that is taken.
    """
    api = environment.integer("TASKFLOW_API_PORT", 8000, minimum=1, maximum=65535)
    flower = environment.integer("TASKFLOW_FLOWER_PORT", 5555, minimum=1, maximum=65535)
    if api == flower:
        environment.problems.append("TASKFLOW_API_PORT and TASKFLOW_FLOWER_PORT must differ.")
    environment.raise_problems()
    taken = [
        f"Port {port} of {LOOPBACK} is taken by another program. Stop that, or choose another "
        f"port: {name}={port + 1 if port < 65535 else port - 1} make up"
        for name, port in (("TASKFLOW_API_PORT", api), ("TASKFLOW_FLOWER_PORT", flower))
        if not is_free(port)
    ]
    if taken:
        raise CannotStart("\n".join(taken))
    return api, flower


def start_everything(supervisor: Supervisor, home: Home, variables: Mapping[str, str]) -> Started:
    """Start servers and processes, and make the demo merchant on a home's first start.

    Raises CannotStart, UnusableHome, ConfigurationError or StopRequested; what has been started by
    then is the caller's to stop.
    """
    environment = Environment(variables)
    api, flower = chosen_ports(environment)
    installation = Installation.of(home)
    known = home.credentials()
    supervisor.console.say(f"Starting in {home.path}")
    commands = usable_commands(environment, supervisor.console)
    addresses = _start_servers(supervisor, home, installation, environment)
    ports = Ports(api=api, flower=flower, echo=installation.echo_port)
    shared = child_variables(variables, home, installation, addresses)
    shared[VARIABLE] = commands
    supervisor.run("migrate", _launch(_manage("migrate", "migrate", "--no-input"), shared))
    credentials = _credentials(supervisor, known, ports, installation, addresses, shared)
    home.save_credentials(credentials)
    login = f"{FLOWER_USER}:{installation.flower_password}"
    for definition in definitions(ports, flower_login=login):
        if definition.name != COMMANDS or commands:
            supervisor.start(definition.name, _launch(definition, shared))
    return Started(credentials, shared["TASKFLOW_ECHO_URL"])


def child_variables(
    variables: Mapping[str, str], home: Home, installation: Installation, addresses: Addresses
) -> dict[str, str]:
    """Return the environment of the processes; what the operator set stays."""
    environment = Environment(variables)
    shared = {
        **variables,
        "TASKFLOW_HOME": str(home.path),
        "TASKFLOW_DATABASE_URL": addresses.database_url,
        "TASKFLOW_REDIS_URL": addresses.redis_url,
        "TASKFLOW_ECHO_URL": f"http://{LOOPBACK}:{installation.echo_port}",
        "DJANGO_SETTINGS_MODULE": "taskflow.settings",
        "PYTHONUNBUFFERED": "1",
        # Celery's warning about root, once for each worker; the servers have dropped it.
        "PYTHONWARNINGS": ",".join(filter(None, (variables.get("PYTHONWARNINGS"), QUIET))),
    }
    if not environment.secret("TASKFLOW_SECRET_KEY"):
        shared["TASKFLOW_SECRET_KEY"] = installation.secret_key
    if not environment.text("TASKFLOW_HTTP_ALLOW_NETWORKS"):
        # The demo's echo target is on loopback, which http jobs may not call otherwise.
        shared["TASKFLOW_HTTP_ALLOW_NETWORKS"] = "127.0.0.0/8"
    return shared


def _start_servers(
    supervisor: Supervisor, home: Home, installation: Installation, environment: Environment
) -> Addresses:
    database_url = environment.secret("TASKFLOW_DATABASE_URL")
    redis_url = environment.secret("TASKFLOW_REDIS_URL")
    environment.raise_problems()
    if not database_url:
        postgres = start_postgres(supervisor, home, installation)
        installation = replace(installation, postgres_port=postgres.port)
        database_url = postgres.url
    if not redis_url:
        valkey = start_valkey(supervisor, installation)
        installation = replace(installation, valkey_port=valkey.port)
        redis_url = valkey.url
    installation.save(home)
    return Addresses(database_url, redis_url)


def _credentials(
    supervisor: Supervisor,
    known: Credentials | None,
    ports: Ports,
    installation: Installation,
    addresses: Addresses,
    shared: dict[str, str],
) -> Credentials:
    api_url = f"http://{LOOPBACK}:{ports.api}"
    login = _login(known) if known else _demo(supervisor, api_url, shared)
    return Credentials(
        api_url=api_url,
        admin_url=f"{api_url}/admin/",
        flower_url=f"http://{LOOPBACK}:{ports.flower}/",
        flower_user=FLOWER_USER,
        flower_password=installation.flower_password,
        database_url=addresses.database_url,
        redis_url=addresses.redis_url,
        secret_key=installation.secret_key,
        **login,
    )


def _login(known: Credentials) -> dict[str, str]:
    return {name: getattr(known, name) for name in ("api_key", "admin_email", "admin_password")}


def _demo(supervisor: Supervisor, api_url: str, shared: dict[str, str]) -> dict[str, str]:
    """Make the demo merchant; return its API key and the administrator's login."""
    options = ("--json", "--base-url", api_url, "--echo-url", shared["TASKFLOW_ECHO_URL"])
    written = supervisor.run("demo", _launch(_manage("demo", "demo", *options), shared))
    made = json.loads(written)
    return {name: made[name] for name in ("api_key", "admin_email", "admin_password")}


def _manage(name: str, *arguments: str) -> Definition:
    return Definition(name=name, command=("manage.py", *arguments))


def _launch(definition: Definition, shared: dict[str, str]) -> Launch:
    own = {**definition.environment, "TASKFLOW_PROCESS": definition.name}
    return Launch(argv=definition.argv(), env={**shared, **own}, cwd=ROOT)
