"""Two merchants and their people."""

import pytest

from tests.factories.tenants import make_member, make_merchant, make_merchant_admin


@pytest.fixture
def two():
    """Two merchants, with a member and an admin each."""
    mine, theirs = make_merchant(), make_merchant()
    people = {
        "member": make_member(mine),
        "admin": make_merchant_admin(mine),
        "their_member": make_member(theirs),
        "their_admin": make_merchant_admin(theirs),
    }
    return mine, theirs, people
