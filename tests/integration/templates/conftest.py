"""The time of the tests of pages: the edges read PostgreSQL's clock, so the rows are of today."""

from datetime import datetime

import pytest

from tenants.clock import database_now
from tenants.models import Merchant
from tests.factories.jobs import make_merchant


@pytest.fixture
def now(db: None) -> datetime:
    return database_now()


@pytest.fixture
def rival() -> Merchant:
    return make_merchant("rival")
