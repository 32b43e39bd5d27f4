"""Two merchants with a client for each."""

import pytest

from tenants.models import Merchant
from tests.api.kit import ApiClient, client_of
from tests.factories.tenants import make_merchant


@pytest.fixture
def merchant(db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def stranger(db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def api(merchant: Merchant) -> ApiClient:
    return client_of(merchant)


@pytest.fixture
def stranger_api(stranger: Merchant) -> ApiClient:
    return client_of(stranger)
