"""Loopback is open to HTTP jobs in these tests."""

from typing import Any

import pytest

from tests.handlers_kit import loopback_engine


@pytest.fixture(autouse=True)
def _open_loopback(settings: Any) -> None:
    settings.TASKFLOW_ENGINE = loopback_engine()
