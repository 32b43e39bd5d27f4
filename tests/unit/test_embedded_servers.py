"""The embedded servers: passwords, leftovers of killed owners, and nothing half-made."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from taskflow.embedded.account import server_account
from taskflow.embedded.binaries import locate
from taskflow.embedded.child import kill_group, spawn, stop, wait_until
from taskflow.embedded.errors import CannotStart
from taskflow.embedded.placement import place
from taskflow.embedded.ports import LOOPBACK, free_port, is_free
from taskflow.embedded.postgres import Postgres
from taskflow.embedded.valkey import Valkey
from tests.servers import temporary_home

PASSWORD = "a-password"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    """A cluster of its own, not running."""
    with temporary_home() as home:
        account = server_account()
        server = Postgres(
            folder=place(home, account).folder,
            port=free_port(),
            password=PASSWORD,
            binaries=locate(account),
            account=account,
            settings={"fsync": "off"},
        )
        server.prepare()
        yield server


@contextmanager
def started(server: Postgres | Valkey, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = spawn(server.launch(), output)
    try:
        wait_until(server.answers, process, name="the server", seconds=60)
        yield process
    finally:
        stop(process, server.launch().stop_signal, seconds=20)


def test_postgres_is_the_version_and_encoding_that_production_has(cluster, tmp_path):
    with started(cluster, tmp_path / "log"), psycopg.connect(cluster.url) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, "
            "pg_encoding_to_char(encoding), datlocale, current_setting('TimeZone'), "
            "current_setting('listen_addresses'), current_setting('unix_socket_directories') "
            "FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        assert row == (18, "UTF8", "C.UTF-8", "UTC", LOOPBACK, "")


def test_postgres_refuses_a_wrong_password_and_none(cluster, tmp_path):
    with started(cluster, tmp_path / "log"):
        for password in ("wrong", ""):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(replace(cluster, password=password).url)


def test_home_that_lost_its_password_is_told_what_to_do(cluster, tmp_path):
    other = replace(cluster, password="another")
    with started(cluster, tmp_path / "log"), pytest.raises(CannotStart, match="another password"):
        other.answers()


def test_postgres_left_by_a_killed_owner_is_ended_and_its_data_kept(cluster, tmp_path):
    with started(cluster, tmp_path / "log") as leftover:
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        cluster.prepare()
        assert leftover.wait(30) == 0
    with started(cluster, tmp_path / "log"), psycopg.connect(cluster.url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_process_number_of_a_stranger_does_not_keep_postgres_from_starting(cluster, tmp_path):
    account = server_account()
    stranger = Valkey(
        port=free_port(), password=PASSWORD, binaries=cluster.binaries, account=account
    )
    with started(stranger, tmp_path / "stranger") as process:
        record = cluster.data / "postmaster.pid"
        record.write_text(
            f"{process.pid}\n{cluster.data}\n0\n{cluster.port}\n\n{LOOPBACK}\n\nready\n"
        )
        cluster.prepare()
        assert not record.exists()
        with started(cluster, tmp_path / "log"):
            assert cluster.answers()
        assert stranger.answers()


def test_killed_postgres_starts_again(cluster, tmp_path):
    with started(cluster, tmp_path / "log") as process:
        kill_group(process)
    # Its processes notice the end of their parent and go; until then PostgreSQL refuses.
    for _ in range(50):
        cluster.prepare()
        try:
            with started(cluster, tmp_path / "log"):
                return
        except CannotStart as error:
            last = error
    pytest.fail(str(last))


def test_start_cut_off_half_way_leaves_nothing_in_the_way(cluster):
    with temporary_home() as home:
        account = server_account()
        folder = place(home, account).folder
        (folder / "data.draft").mkdir()
        (folder / "data.draft" / "PG_VERSION").write_text("18\n")
        fresh = replace(cluster, folder=folder)
        fresh.prepare()
        assert (fresh.data / "PG_VERSION").is_file()
        assert sorted(path.name for path in folder.iterdir()) == ["data"]


def test_valkey_asks_for_its_password_and_never_evicts(cluster, tmp_path):
    server = Valkey(
        port=free_port(),
        password=PASSWORD,
        binaries=cluster.binaries,
        account=server_account(),
    )
    with started(server, tmp_path / "log"):
        stranger = redis.Redis(host=LOOPBACK, port=server.port)
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("bind") == {"bind": LOOPBACK}
            assert client.config_get("appendonly") == {"appendonly": "no"}
    assert is_free(server.port)


def test_secrets_are_not_in_the_repr(cluster):
    valkey = Valkey(port=1, password=PASSWORD, binaries=cluster.binaries)
    for shown in (repr(cluster), repr(valkey), repr(valkey.launch())):
        assert PASSWORD not in shown
