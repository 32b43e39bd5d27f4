"""A shop with a template, channels of every kind, and the lane that sends."""

from dataclasses import replace

import pytest
from django.db import connection

from alerts.alerting import Alerting
from jobs.executor.async_lane import AsyncLane
from tenants.clock import database_now
from tests.factories.alerts import SECRET, make_channel
from tests.factories.templates import make_template
from tests.factories.tenants import make_merchant
from tests.handlers_kit import loopback_engine
from tests.integration.alerts.kit import Mailbox, Receiver


@pytest.fixture
def mailbox():
    with Mailbox() as box:
        yield box


@pytest.fixture
def receiver():
    with Receiver() as server:
        yield server


@pytest.fixture(autouse=True)
def _alerting(settings, mailbox, receiver):
    settings.TASKFLOW_ENGINE = loopback_engine()
    settings.TASKFLOW_ALERTING = Alerting(
        sender="TaskFlow <alerts@taskflow.example>",
        smtp_url=mailbox.url,
        pagerduty_url=f"{receiver.url}/v2/enqueue",
        public_url="https://flow.example",
    )


@pytest.fixture
def lane(transactional_db):
    running = AsyncLane(replace(loopback_engine(), heartbeat=0.1))
    running.start()
    assert running.identity.wait_registered(10)
    yield running
    running.stop(patience=0)
    connection.close()


@pytest.fixture
def shop(transactional_db):
    return make_merchant()


@pytest.fixture
def template(shop):
    return make_template(merchant=shop, name="Nightly report", now=database_now())


@pytest.fixture
def mail(shop):
    return make_channel(merchant=shop, name="mail")


@pytest.fixture
def slack(shop, receiver):
    return make_channel(
        merchant=shop, kind="slack", name="slack", settings={"url": f"{receiver.url}/T0/s3cret"}
    )


@pytest.fixture
def hook(shop, receiver):
    settings = {"url": f"{receiver.url}/hook", "secret": SECRET}
    return make_channel(merchant=shop, kind="webhook", name="hook", settings=settings)


@pytest.fixture
def pager(shop):
    settings = {"routing_key": "R0UT1NGKEY1234567890"}
    return make_channel(merchant=shop, kind="pagerduty", name="pager", settings=settings)
