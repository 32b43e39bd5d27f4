"""Who looks at the admin: the merchant "shop", a member of it, and the member's browser."""

import pytest
from django.test import Client

from tenants.models import Merchant, User
from tests.factories.admin import browser_of
from tests.factories.jobs import make_merchant
from tests.factories.tenants import make_member


@pytest.fixture
def shop() -> Merchant:
    return make_merchant("shop")


@pytest.fixture
def member(shop: Merchant) -> User:
    return make_member(shop)


@pytest.fixture
def browser(member: User) -> Client:
    return browser_of(member)
