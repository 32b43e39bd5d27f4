"""The life of an API key: issue, rotate, revoke, note its use; and the command that makes one."""

import logging
from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from apikeys.hashing import parse_key
from apikeys.models import ApiKey
from apikeys.operations import (
    KeyNotActive,
    OverlapOutOfRange,
    issue_key,
    note_use,
    revoke_key,
    rotate_key,
)
from apikeys.status import KeyStatus
from tenants.clock import database_now
from tests.factories.tenants import LONG_AGO, make_key
from tests.integration.apikeys.kit import DAY, ask, code_of

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def test_an_issued_key_leaves_no_trace_of_its_secret(merchant, bystander, caplog):
    caplog.set_level(logging.DEBUG)
    issued = make_key(merchant)
    secret = parse_key(issued.text).secret
    ask(issued.text)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(k::text, ' ') FROM apikeys_apikey k")
        dump = cursor.fetchone()[0]
    seen = dump + repr(issued) + str(vars(issued.key)) + str(issued.key) + caplog.text
    assert secret not in seen
    assert issued.text not in seen


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scopes", ["jobs:everything"]),
        ("scopes", []),
        ("name", ""),
        ("allowed_networks", ["10.0.0.1/8"]),
        ("expires_at", LONG_AGO),
    ],
)
def test_a_key_with_a_bad_field_is_refused_by_the_fields_name(merchant, field, value):
    fields = {"name": "ci", "scopes": ["jobs:read"], field: value}
    with pytest.raises(ValidationError) as refusal:
        issue_key(merchant=merchant, now=LONG_AGO, **fields)
    assert list(refusal.value.message_dict) == [field]
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    ["public_id = 'short'", "digest = repeat('z', 64)", "scopes = '{}'", "scopes = '{a:b}'"],
)
def test_the_database_itself_refuses_a_key_that_cannot_be(merchant, wrong):
    key = make_key(merchant).key
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE apikeys_apikey SET {wrong} WHERE id = %s", [key.pk])


def test_during_the_overlap_of_a_rotation_both_keys_hold_and_then_only_the_new_one(
    merchant, bystander
):
    now = database_now()
    old = make_key(merchant, scopes=["jobs:read"], allowed_networks=["127.0.0.0/8"]).key
    new = rotate_key(key=old, overlap=DAY, now=now).key
    old.refresh_from_db()
    assert old.status_at(now + DAY - SECOND) is KeyStatus.ACTIVE
    assert old.status_at(now + DAY) is KeyStatus.EXPIRED
    assert new.status_at(now + DAY) is KeyStatus.ACTIVE
    assert (new.replaces, new.scopes, new.allowed_networks, new.merchant, new.expires_at) == (
        old,
        ["jobs:read"],
        ["127.0.0.0/8"],
        merchant,
        None,
    )


def test_both_sides_of_an_overlap_are_seen_by_requests(merchant):
    old = make_key(merchant)
    new = rotate_key(key=old.key, overlap=timedelta(days=7), now=database_now())
    assert ask(old.text).status_code == ask(new.text).status_code == 200
    over = make_key(merchant)
    successor = rotate_key(key=over.key, overlap=timedelta(0), now=database_now())
    assert code_of(ask(over.text)) == (401, "api_key_expired")
    assert ask(successor.text).status_code == 200


def test_a_rotation_never_lengthens_the_old_key_and_gives_the_new_one_the_same_lifetime(merchant):
    old = make_key(merchant, expires_at=LONG_AGO + 2 * DAY).key
    now = LONG_AGO + DAY
    new = rotate_key(key=old, overlap=timedelta(days=7), now=now).key
    old.refresh_from_db()
    assert old.expires_at == LONG_AGO + 2 * DAY
    assert new.expires_at == now + 2 * DAY


@pytest.mark.parametrize("overlap", [timedelta(days=7, microseconds=1), -SECOND])
def test_an_overlap_beyond_seven_days_or_below_zero_is_refused(merchant, overlap):
    key = make_key(merchant).key
    with pytest.raises(OverlapOutOfRange):
        rotate_key(key=key, overlap=overlap, now=database_now())
    assert ApiKey.objects.get().expires_at is None


def test_a_key_is_rotated_once_and_never_after_its_end(merchant):
    now = database_now()
    rotated, revoked = make_key(merchant).key, make_key(merchant).key
    expired = make_key(merchant, expires_at=LONG_AGO + DAY).key
    rotate_key(key=rotated, overlap=DAY, now=now)
    revoke_key(key=revoked, now=now)
    for key in (rotated, revoked, expired):
        with pytest.raises(KeyNotActive):
            rotate_key(key=key, overlap=DAY, now=now)
    assert ApiKey.objects.count() == 4


def test_a_key_is_revoked_once_and_for_ever(merchant, bystander):
    key = make_key(merchant).key
    now = database_now()
    assert revoke_key(key=key, now=now)
    assert not revoke_key(key=key, now=now + DAY)
    key.refresh_from_db()
    assert key.revoked_at == now


def test_a_use_is_noted_at_most_once_a_minute(merchant, bystander):
    now = database_now()
    key = make_key(merchant).key
    stale = ApiKey.objects.get(pk=key.pk)
    assert note_use(key=key, address="192.0.2.1", now=now)
    # Another process, which read the key before, is stopped by the guard in the statement.
    assert not note_use(key=stale, address="192.0.2.2", now=now + 59 * SECOND)
    key.refresh_from_db()
    assert not note_use(key=key, address="192.0.2.3", now=now + 60 * SECOND)
    assert (key.last_used_at, key.last_used_ip) == (now, "192.0.2.1")
    assert note_use(key=key, address="2001:db8::1", now=now + 61 * SECOND)
    key.refresh_from_db()
    assert (key.last_used_at, key.last_used_ip) == (now + 61 * SECOND, "2001:db8::1")


def test_create_api_key_prints_a_key_that_works_and_nothing_else_on_stdout(merchant):
    out = StringIO()
    call_command(
        "create_api_key",
        merchant=merchant.slug,
        name="ci",
        scopes="jobs:read, jobs:write",
        expires_in_days=30,
        stdout=out,
        stderr=StringIO(),
    )
    assert ask(out.getvalue().strip()).status_code == 200
    key = ApiKey.objects.get()
    assert key.scopes == ["jobs:read", "jobs:write"]
    assert key.expires_at == key.created_at + 30 * DAY


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("merchant", "nobody", "--merchant"),
        ("scopes", "jobs:everything", "--scopes"),
        ("scopes", ",", "--scopes"),
        ("expires_in_days", 0, "--expires-in-days"),
        ("allowed_networks", "10.0.0.1/8", "--allowed-networks"),
    ],
)
def test_create_api_key_names_the_option_that_is_wrong(merchant, option, value, named):
    options = {"merchant": merchant.slug, "name": "ci", option: value}
    with pytest.raises(CommandError, match=named):
        call_command("create_api_key", **options, stdout=StringIO(), stderr=StringIO())
    assert not ApiKey.objects.exists()
