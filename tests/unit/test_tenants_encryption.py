"""Merchants' secrets at rest."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from tenants.encryption import SecretUnreadable, reseal, seal, unseal
from tenants.signing_secrets import new_signing_secret, signing_secret_text

OWNER = UUID("01900000-0000-7000-8000-000000000001")
OTHER = UUID("01900000-0000-7000-8000-000000000002")


@pytest.fixture(autouse=True)
def _first_key(settings):
    settings.ENCRYPTION_KEYS = ["first"]


@given(st.binary(max_size=200), st.uuids())
def test_a_sealed_secret_opens_for_its_merchant(secret, merchant_id):
    assert unseal(seal(secret, merchant_id=merchant_id), merchant_id=merchant_id) == secret


def test_a_sealed_secret_moved_to_another_merchant_does_not_open():
    sealed = seal(b"secret", merchant_id=OWNER)
    with pytest.raises(SecretUnreadable):
        unseal(sealed, merchant_id=OTHER)


@pytest.mark.parametrize("at", [0, 20, 60, -3])
def test_a_changed_ciphertext_does_not_open(at):
    sealed = seal(b"secret", merchant_id=OWNER)
    changed = list(sealed)
    changed[at] = "A" if changed[at] != "A" else "B"
    with pytest.raises(SecretUnreadable):
        unseal("".join(changed), merchant_id=OWNER)


def test_keys_are_rotated_by_putting_the_new_one_in_front(settings):
    sealed = seal(b"secret", merchant_id=OWNER)
    settings.ENCRYPTION_KEYS = ["second", "first"]
    assert unseal(sealed, merchant_id=OWNER) == b"secret"
    moved = reseal(sealed, merchant_id=OWNER)
    settings.ENCRYPTION_KEYS = ["second"]
    assert unseal(moved, merchant_id=OWNER) == b"secret"
    with pytest.raises(SecretUnreadable, match="TASKFLOW_ENCRYPTION_KEYS"):
        unseal(sealed, merchant_id=OWNER)


def test_the_signing_secret_has_the_form_that_receivers_libraries_take():
    secret = new_signing_secret()
    assert len(secret) == 32
    text = signing_secret_text(secret)
    assert text.startswith("whsec_")
    assert Webhook(text)._whsecret == secret
