"""A merchant is deactivated, never deleted: rows may name it without a foreign key."""

import pytest
from django.db import IntegrityError, connection, transaction

from tenants.models import Merchant
from tests.factories.tenants import make_merchant

pytestmark = pytest.mark.django_db


def test_the_database_deletes_no_merchant_whoever_asks() -> None:
    merchant = make_merchant()
    bystander = make_merchant()

    with pytest.raises(IntegrityError, match="deactivated"), transaction.atomic():
        Merchant.objects.filter(pk=merchant.pk).delete()
    with (
        pytest.raises(IntegrityError, match="deactivated"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM tenants_merchant WHERE id = %s", [merchant.pk])

    assert set(Merchant.objects.filter(pk__in=[merchant.pk, bystander.pk])) == {merchant, bystander}
