"""Loopback is open to deliveries in these tests, and everybody who subscribes is heard at once."""

from typing import Any

import pytest

from alerts.webhooks.audience import AUDIENCE_OF_ALL
from tenants.models import Merchant
from tests.factories.jobs import make_merchant
from tests.handlers_kit import loopback_engine


@pytest.fixture(autouse=True)
def _open_loopback(settings: Any) -> None:
    settings.TASKFLOW_ENGINE = loopback_engine()


@pytest.fixture(autouse=True)
def _everybody_is_heard(monkeypatch: pytest.MonkeyPatch, _nobody_listens: None) -> None:
    monkeypatch.setattr(AUDIENCE_OF_ALL, "kept", 0.0)
    AUDIENCE_OF_ALL.forget()


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def bystander() -> Merchant:
    return make_merchant()
