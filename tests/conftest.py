"""Fixtures for all tests; the servers themselves are started by `tests.servers`."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

from alerts.webhooks.audience import AUDIENCE_OF_ALL

TOUCH_VALKEY = frozenset({"valkey", "redis_url", "db", "transactional_db"})


_EMPTIED = "ALTER TABLE tenants_auditentry {} TRIGGER tenants_audit_append_only"


@pytest.fixture(scope="session", autouse=True)
def _audit_trail_is_emptied_between_tests() -> None:
    """Let Django's TRUNCATE after a test with transactions of its own pass the trigger."""
    as_ever = DatabaseOperations.sql_flush

    def sql_flush(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
        statements: list[str] = as_ever(self, style, tables, **options)
        if "tenants_auditentry" not in tables:
            return statements
        return [_EMPTIED.format("DISABLE"), *statements, _EMPTIED.format("ENABLE")]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """The URL of the test database, for psycopg and for child processes."""
    parts = connection.settings_dict
    user, password = parts["USER"], parts["PASSWORD"]
    return f"postgresql://{user}:{password}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of the Valkey of this run."""
    url: str = settings.REDIS_URL
    return url


@pytest.fixture(scope="session")
def _valkey_client() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture
def valkey(_valkey_client: redis.Redis) -> redis.Redis:
    """A client of the Valkey of this run, which is empty when the test begins."""
    return _valkey_client


@pytest.fixture(autouse=True)
def _empty_valkey(request: pytest.FixtureRequest) -> None:
    """Empty the Valkey before each test that may use it; the others do not pay for that."""
    if TOUCH_VALKEY & set(request.fixturenames):
        request.getfixturevalue("_valkey_client").flushdb()


@pytest.fixture(autouse=True)
def _nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody subscribes to webhooks, and no test's count of statements holds the look who does."""
    monkeypatch.setattr(AUDIENCE_OF_ALL, "_types", {})
    monkeypatch.setattr(AUDIENCE_OF_ALL, "_until", float("inf"))
