"""Who looks at flow rules, the rule that is asked for, and those of others."""

import pytest

from tenants.models import Merchant
from tests.factories.admin import browser_of
from tests.factories.flows import make_flow
from tests.factories.jobs import make_merchant
from tests.factories.tenants import (
    make_merchant_admin,
    make_superuser,
)
from tests.integration.templates.admin_kit import left_alone


@pytest.fixture
def boss(shop):
    """The merchant admin's browser."""
    return browser_of(make_merchant_admin(shop))


@pytest.fixture
def root():
    return browser_of(make_superuser())


@pytest.fixture
def rival() -> Merchant:
    return make_merchant("rival")


@pytest.fixture
def rule(shop):
    return make_flow(merchant=shop, scope="kind", name="http", most_active=5)


@pytest.fixture
def others(shop, rival):
    """Rules that nobody asks for: one of the merchant's own, a rival's, and the operators'."""
    with (
        left_alone(make_flow(merchant=shop, scope="lane", name="process", most_active=9)),
        left_alone(make_flow(merchant=rival, scope="kind", name="http", most_active=7)) as foreign,
        left_alone(make_flow(scope="kind", name="http", rate=3, pause_note="fire")) as operators,
    ):
        yield foreign, operators
