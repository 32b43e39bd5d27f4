"""What the tests of pages have around them; the edges read PostgreSQL's clock, so all is of today."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from templates_app.models import Template
from tenants.clock import database_now
from tenants.models import Merchant
from tests.factories.jobs import make_merchant
from tests.factories.templates import make_template
from tests.integration.templates.admin_kit import left_alone


@pytest.fixture
def now(db: None) -> datetime:
    return database_now()


@pytest.fixture
def rival() -> Merchant:
    return make_merchant("rival")


@pytest.fixture
def bystander(shop: Merchant, now: datetime) -> Iterator[Template]:
    """A template that nobody asks for; it stays as it is, and so do its jobs."""
    with left_alone(make_template(merchant=shop, name="Bystander", now=now)) as template:
        yield template
