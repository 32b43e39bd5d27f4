"""Embedded PostgreSQL and Valkey as supervised processes."""

from dataclasses import replace
from typing import TypeVar

from taskflow.embedded.account import server_account
from taskflow.embedded.binaries import locate
from taskflow.embedded.errors import CannotStart
from taskflow.embedded.placement import place
from taskflow.embedded.ports import free_port, is_free
from taskflow.embedded.postgres import Postgres
from taskflow.embedded.valkey import Valkey
from taskflow.home import Home
from taskflow.supervisor.installation import Installation
from taskflow.supervisor.supervisor import Supervisor

START_SECONDS = 60.0
TRIES = 3
Server = TypeVar("Server", Postgres, Valkey)


def start_postgres(supervisor: Supervisor, home: Home, installation: Installation) -> Postgres:
    """Start the home's cluster, on another port when the remembered one gets taken.

    Raises CannotStart.
    """
    account = server_account()
    placement = place(home.path, account)
    if placement.outside:
        supervisor.console.say(
            f"The account that PostgreSQL runs as cannot get into {home.path}; "
            f"its files are in {placement.folder}."
        )
    server = Postgres(
        folder=placement.folder,
        port=installation.postgres_port,
        password=installation.postgres_password,
        binaries=locate(account),
        account=account,
    )
    return _listening(supervisor, "postgres", server, product="PostgreSQL")


def start_valkey(supervisor: Supervisor, installation: Installation) -> Valkey:
    """Start the home's Valkey, on another port when the remembered one gets taken.

    Raises CannotStart.
    """
    account = server_account()
    server = Valkey(
        port=installation.valkey_port,
        password=installation.valkey_password,
        binaries=locate(account),
        account=account,
    )
    return _listening(supervisor, "valkey", server, product="Valkey")


def _listening(supervisor: Supervisor, name: str, server: Server, *, product: str) -> Server:
    """Start the server, on other ports while somebody else gets its own; return what listens."""
    for _ in range(TRIES):
        if _started(supervisor, name, server):
            return server
        server = replace(server, port=free_port())
    raise CannotStart(f"Other programs keep taking the ports that {product} was to listen on.")


def _started(supervisor: Supervisor, name: str, server: Postgres | Valkey) -> bool:
    """Start the server and wait; false when somebody else got its port first."""
    supervisor.start(name, server.launch(), server.prepare)
    try:
        supervisor.wait_for(name, server.answers, seconds=START_SECONDS)
    except CannotStart:
        supervisor.discard(name)
        if is_free(server.port):
            raise
        return False
    return True
