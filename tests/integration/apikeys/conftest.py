"""A fresh Valkey, a merchant, and a key that nobody touches."""

import pytest

from apikeys.models import ApiKey
from tests.factories.tenants import make_key, make_merchant


@pytest.fixture(autouse=True)
def _fresh_valkey(valkey):
    """Each test counts its own requests."""


@pytest.fixture
def merchant():
    return make_merchant()


@pytest.fixture
def bystander():
    """A key of another merchant, which must stay as it is."""
    issued = make_key(make_merchant())
    before = ApiKey.objects.filter(pk=issued.key.pk).values().get()
    yield issued
    assert ApiKey.objects.filter(pk=issued.key.pk).values().get() == before
