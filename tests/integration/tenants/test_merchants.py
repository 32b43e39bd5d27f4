"""Merchants: their fields, and their signing secrets."""

from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from alerts.channels import settings_of
from alerts.models import Channel
from tenants.encryption import SecretUnreadable
from tenants.models import Merchant
from tenants.operations import SecretChangedMeanwhile, create_merchant, rotate_signing_secret
from tests.factories.alerts import make_channel
from tests.factories.tenants import make_merchant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "Factory"),
        ("slug", "no blanks"),
        ("name", ""),
        ("requests_per_minute", 0),
        ("max_waiting_jobs", 0),
        ("max_templates", 0),
    ],
)
def test_a_merchant_with_a_bad_field_is_refused_by_the_fields_name(field, value):
    with pytest.raises(ValidationError) as refusal:
        create_merchant(**{"name": "Acme", "slug": "acme", field: value})
    assert list(refusal.value.message_dict) == [field]
    assert not Merchant.objects.exists()


def test_a_slug_belongs_to_one_merchant():
    create_merchant(name="Acme", slug="acme")
    with pytest.raises(ValidationError) as refusal:
        create_merchant(name="Other", slug="acme")
    assert list(refusal.value.message_dict) == ["slug"]


def test_every_merchant_has_its_own_signing_secret_and_none_is_readable_in_the_database():
    merchants = [make_merchant(), make_merchant(), Merchant.objects.create(name="X", slug="x")]
    secrets = {merchant.signing_secret for merchant in merchants}
    assert len(secrets) == 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(m::text, ' ') FROM tenants_merchant m")
        dump = cursor.fetchone()[0]
    assert not any(secret.removeprefix("whsec_") in dump for secret in secrets)


def test_a_secret_copied_into_another_merchants_row_does_not_open():
    owner, thief = make_merchant(), make_merchant()
    Merchant.objects.filter(pk=thief.pk).update(sealed_signing_secret=owner.sealed_signing_secret)
    thief.refresh_from_db()
    with pytest.raises(SecretUnreadable):
        _ = thief.signing_secret


def test_a_rotated_secret_is_another_one_and_only_this_merchants():
    merchant, bystander = make_merchant(), make_merchant()
    old, kept = merchant.signing_secret, bystander.signing_secret
    new = rotate_signing_secret(merchant=merchant)
    assert new != old
    assert Merchant.objects.get(pk=merchant.pk).signing_secret == new
    assert Merchant.objects.get(pk=bystander.pk).signing_secret == kept


def test_of_two_rotations_at_once_one_is_told_that_it_lost():
    merchant = make_merchant()
    stale = Merchant.objects.get(pk=merchant.pk)
    winner = rotate_signing_secret(merchant=merchant)
    with pytest.raises(SecretChangedMeanwhile):
        rotate_signing_secret(merchant=stale)
    assert Merchant.objects.get(pk=merchant.pk).signing_secret == winner


def test_reencrypt_secrets_moves_every_secret_to_the_first_key(settings):
    settings.ENCRYPTION_KEYS = ["old"]
    before = {m.pk: m.signing_secret for m in (make_merchant(), make_merchant(active=False))}
    settings.ENCRYPTION_KEYS = ["new", "old"]
    call_command("reencrypt_secrets", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["new"]
    assert {m.pk: m.signing_secret for m in Merchant.objects.all()} == before


def test_reencrypt_secrets_moves_the_channels_of_merchants_and_of_the_platform(settings):
    settings.ENCRYPTION_KEYS = ["old"]
    key = {"routing_key": "R0UT1NGKEY"}
    for merchant in (make_merchant(), None):
        make_channel(merchant=merchant, kind="pagerduty", settings=key)
    settings.ENCRYPTION_KEYS = ["new", "old"]
    call_command("reencrypt_secrets", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["new"]
    assert [settings_of(channel) for channel in Channel.objects.all()] == [key, key]


def test_reencrypt_secrets_names_the_merchants_whose_key_is_gone_and_does_the_others(settings):
    settings.ENCRYPTION_KEYS = ["lost"]
    lost = make_merchant()
    settings.ENCRYPTION_KEYS = ["old"]
    kept = make_merchant()
    secret = kept.signing_secret
    settings.ENCRYPTION_KEYS = ["new", "old"]
    with pytest.raises(CommandError, match=lost.slug):
        call_command("reencrypt_secrets", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["new"]
    assert Merchant.objects.get(pk=kept.pk).signing_secret == secret
