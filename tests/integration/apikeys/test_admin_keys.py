"""API keys in the admin: made once, shown once, steered by their merchant's admins only."""

import logging

import pytest
from django.urls import reverse

from apikeys.hashing import parse_key
from apikeys.models import ApiKey
from tests.factories.tenants import make_key, make_member, make_merchant_admin, make_superuser
from tests.integration.apikeys.kit import ask, code_of

pytestmark = pytest.mark.django_db
KEYS = reverse("admin:apikeys_apikey_changelist")
ADD = reverse("admin:apikeys_apikey_add")


def act(client, action, *keys):
    data = {"action": action, "_selected_action": [str(key.pk) for key in keys]}
    return client.post(KEYS, data)


def change_url(key):
    return reverse("admin:apikeys_apikey_change", args=[key.pk])


def shown_key(page):
    """Return the one key on the page that shows it once."""
    html = page.content.decode()
    start = html.index(">tf_live_", html.index("<code")) + 1
    return html[start : html.index("<", start)].strip()


def test_a_merchant_admin_makes_a_key_that_is_shown_once_and_on_no_other_page(
    client, merchant, bystander, caplog
):
    caplog.set_level(logging.DEBUG)
    admin = make_merchant_admin(merchant)
    client.force_login(admin)
    data = {"merchant": merchant.pk, "name": "ci", "scopes": ["jobs:read"], "allowed_networks": ""}
    page = client.post(ADD, data)
    text = shown_key(page)
    assert ask(text).status_code == 200
    assert "no-store" in page["Cache-Control"]
    key = ApiKey.objects.get(merchant=merchant)
    assert (key.created_by, key.scopes) == (admin, ["jobs:read"])
    for url in (KEYS, change_url(key), reverse("admin:index")):
        html = client.get(url).content.decode()
        assert parse_key(text).secret not in html
        assert key.digest not in html
    assert key.masked in client.get(KEYS).content.decode()
    assert parse_key(text).secret not in caplog.text + str(client.cookies)


def test_a_key_is_never_made_for_a_merchant_that_one_does_not_manage(client, merchant, bystander):
    client.force_login(make_merchant_admin(merchant))
    foreign = bystander.key.merchant
    assert foreign.name not in client.get(ADD).content.decode()
    data = {"merchant": foreign.pk, "name": "ci", "scopes": ["jobs:read"]}
    page = client.post(ADD, data)
    assert "valid choice" in page.content.decode()
    assert not ApiKey.objects.exclude(pk=bystander.key.pk).exists()


def test_a_key_that_would_be_dead_already_is_refused_by_the_page(client, merchant):
    client.force_login(make_merchant_admin(merchant))
    data = {
        "merchant": merchant.pk,
        "name": "ci",
        "scopes": ["jobs:read"],
        "expires_at_0": "2020-01-01",
        "expires_at_1": "00:00",
    }
    assert "must expire in the future" in client.post(ADD, data).content.decode()
    assert not ApiKey.objects.exists()


def test_members_do_not_get_to_keys(client, merchant):
    key = make_key(merchant).key
    client.force_login(make_member(merchant))
    assert client.get(KEYS).status_code == 403
    assert client.get(ADD).status_code == 403
    assert client.get(change_url(key)).status_code in (302, 403)
    assert act(client, "revoke", key).status_code == 403
    assert ApiKey.objects.get().revoked_at is None


def test_the_admin_rotates_and_revokes_the_keys_of_its_own_merchant_only(
    client, merchant, bystander
):
    client.force_login(make_merchant_admin(merchant))
    old, gone = make_key(merchant), make_key(merchant)
    text = shown_key(act(client, "rotate", old.key, bystander.key))
    assert ask(text).status_code == ask(old.text).status_code == 200
    act(client, "revoke", gone.key, bystander.key)
    assert code_of(ask(gone.text)) == (401, "api_key_revoked")
    html = client.get(KEYS).content.decode()
    assert "revoked" in html
    assert bystander.key.public_id not in html


def test_nobody_edits_or_deletes_a_key(client, merchant):
    key = make_key(merchant).key
    for user in (make_merchant_admin(merchant), make_superuser()):
        client.force_login(user)
        assert client.get(change_url(key)).status_code == 200
        assert client.post(change_url(key), {"name": "renamed"}).status_code == 403
        delete = reverse("admin:apikeys_apikey_delete", args=[key.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 403
    assert ApiKey.objects.get().name == key.name
