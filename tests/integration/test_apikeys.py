"""API keys on a real database and a real Valkey: issue, rotate, revoke, authenticate, throttle."""

import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import override_settings
from django.urls import path, reverse
from limits import RateLimitItemPerMinute
from rest_framework.exceptions import ErrorDetail
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView, exception_handler

from apikeys.authentication import FAILURES_PER_ADDRESS
from apikeys.checks import problems_of
from apikeys.hashing import KeyParts, draw_key, parse_key
from apikeys.limiter import Limiter
from apikeys.models import ApiKey
from apikeys.operations import (
    KeyNotActive,
    OverlapOutOfRange,
    issue_key,
    note_use,
    revoke_key,
    rotate_key,
)
from apikeys.permissions import DenyByDefault, HasScope
from apikeys.scopes import Scope
from apikeys.status import KeyStatus
from tenants.clock import database_now
from tenants.models import Merchant
from tests.factories.tenants import (
    LONG_AGO,
    make_key,
    make_member,
    make_merchant,
    make_merchant_admin,
    make_superuser,
)

pytestmark = pytest.mark.django_db

KEYS = reverse("admin:apikeys_apikey_changelist")
ADD = reverse("admin:apikeys_apikey_add")
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


class Probe(APIView):
    """Says who asks; what a real view of the platform declares."""

    permission_classes = [HasScope]
    required_scopes = {"GET": Scope.JOBS_READ, "POST": Scope.JOBS_WRITE}

    def get_exception_handler(self):
        return exception_handler

    def get(self, request):
        return Response({"merchant": request.user.merchant.slug, "key": str(request.auth.pk)})

    def post(self, request):
        return Response({})

    def put(self, request):
        return Response({})


class Undeclared(Probe):
    permission_classes = [DenyByDefault]


class Whole(Probe):
    required_scopes = {**Probe.required_scopes, "PUT": Scope.JOBS_WRITE}


def ask(text=None, *, view=Probe, method="get", url="/", **meta):
    """Send one request; return the response of the real view, rendered."""
    if text is not None:
        meta["HTTP_X_API_KEY"] = text
    request = getattr(APIRequestFactory(), method)(url, **meta)
    return view.as_view()(request).render()


def code_of(response):
    detail = response.data["detail"]
    assert isinstance(detail, ErrorDetail)
    return response.status_code, detail.code


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


# Issue, rotate, revoke


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


# Authentication


def test_a_key_opens_the_api_for_its_own_merchant(merchant, bystander):
    issued = make_key(merchant)
    response = ask(issued.text, REMOTE_ADDR="192.0.2.9")
    assert response.data == {"merchant": merchant.slug, "key": str(issued.key.pk)}
    issued.key.refresh_from_db()
    assert issued.key.last_used_ip == "192.0.2.9"


def test_authentication_takes_one_query(merchant, django_assert_num_queries):
    issued = make_key(merchant)
    note_use(key=issued.key, address=None, now=database_now())
    with django_assert_num_queries(1):
        assert ask(issued.text).status_code == 200


def test_without_a_key_the_answer_is_a_challenge():
    response = ask()
    assert code_of(response) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == "ApiKey"


def test_a_key_in_the_query_string_or_another_header_is_not_looked_at(merchant):
    text = make_key(merchant).text
    for response in (
        ask(url=f"/?api_key={text}&x-api-key={text}"),
        ask(HTTP_AUTHORIZATION=f"Bearer {text}"),
    ):
        assert code_of(response) == (401, "not_authenticated")


def test_a_key_that_cannot_be_one_costs_no_query(merchant, django_assert_num_queries):
    text = make_key(merchant).text
    with django_assert_num_queries(0):
        for wrong in ("", "x", text[:-1] + ("a" if text[-1] != "a" else "b"), text * 100):
            response = ask(wrong)
            assert code_of(response) == (401, "invalid_api_key")
            assert response["WWW-Authenticate"] == "ApiKey"


def test_an_unknown_key_and_a_wrong_secret_get_the_same_answer(merchant):
    issued = make_key(merchant)
    wrong = KeyParts(public_id=issued.key.public_id, secret=draw_key().secret)
    answers = [ask(wrong.text), ask(draw_key().text)]
    assert code_of(answers[0]) == (401, "invalid_api_key")
    assert answers[0].content == answers[1].content


def test_why_a_key_is_dead_is_said_only_to_who_holds_its_secret(merchant):
    revoked, expired = make_key(merchant), make_key(merchant, expires_at=LONG_AGO + DAY)
    revoke_key(key=revoked.key, now=database_now())
    assert code_of(ask(revoked.text)) == (401, "api_key_revoked")
    assert code_of(ask(expired.text)) == (401, "api_key_expired")
    for issued in (revoked, expired):
        guess = KeyParts(public_id=issued.key.public_id, secret=draw_key().secret)
        assert code_of(ask(guess.text)) == (401, "invalid_api_key")


def test_the_keys_of_a_switched_off_merchant_are_refused(merchant, bystander):
    issued = make_key(merchant)
    Merchant.objects.filter(pk=merchant.pk).update(active=False)
    assert code_of(ask(issued.text)) == (403, "merchant_inactive")
    assert ApiKey.objects.get(pk=issued.key.pk).last_used_at is None


def test_another_pepper_makes_every_key_invalid(merchant, settings):
    text = make_key(merchant).text
    settings.API_KEY_PEPPER = "another"
    assert code_of(ask(text)) == (401, "invalid_api_key")


def test_a_key_holds_in_its_networks_only_and_a_forged_header_changes_nothing(merchant, settings):
    text = make_key(merchant, allowed_networks=["192.0.2.0/24"]).text
    inside, outside = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "203.0.113.1"}
    forged = {"HTTP_X_FORWARDED_FOR": "192.0.2.1"}
    assert ask(text, **inside).status_code == 200
    assert code_of(ask(text, **outside)) == (403, "address_not_allowed")
    assert code_of(ask(text, **outside, **forged)) == (403, "address_not_allowed")
    settings.TRUSTED_PROXIES = 1
    behind = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1, 203.0.113.1"}
    assert code_of(ask(text, **behind)) == (403, "address_not_allowed")
    behind["HTTP_X_FORWARDED_FOR"] = "203.0.113.1, 192.0.2.1"
    assert ask(text, **behind).status_code == 200


# Scopes


def test_a_key_may_do_what_its_scopes_say_and_nothing_else(merchant):
    text = make_key(merchant, scopes=["jobs:read"]).text
    assert ask(text).status_code == 200
    refusal = ask(text, method="post")
    assert code_of(refusal) == (403, "missing_scope")
    assert "jobs:write" in refusal.data["detail"]


def test_head_is_read_as_get_and_other_undeclared_methods_stay_closed(merchant):
    text = make_key(merchant).text
    assert ask(text, method="head").status_code == 200
    assert code_of(ask(text, method="put")) == (403, "not_open")
    assert code_of(ask(text, method="delete")) == (405, "method_not_allowed")


def test_a_view_that_names_no_permission_answers_nobody(merchant):
    assert APIView.permission_classes == [DenyByDefault]
    assert code_of(ask(make_key(merchant).text, view=Undeclared)) == (403, "not_open")
    assert code_of(ask(view=Undeclared)) == (401, "not_authenticated")


def test_the_start_up_check_finds_views_without_permission_or_scope():
    assert [problem.id for problem in problems_of(path("", Undeclared.as_view()).callback)] == [
        "apikeys.E001"
    ]
    found = problems_of(path("", Probe.as_view()).callback)
    assert [problem.id for problem in found] == ["apikeys.E002"]
    assert "PUT" in found[0].msg
    assert problems_of(path("", Whole.as_view()).callback) == []


# Limits


def test_a_merchants_keys_share_one_limit_and_others_are_not_touched():
    merchant, other = make_merchant(requests_per_minute=3), make_merchant(requests_per_minute=3)
    first, second, theirs = make_key(merchant).text, make_key(merchant).text, make_key(other).text
    assert [ask(text).status_code for text in (first, second, first)] == [200, 200, 200]
    refused = ask(second)
    assert code_of(refused) == (429, "throttled")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert ask(theirs).status_code == 200


def test_requests_at_the_same_moment_do_not_slip_through_a_limit(redis_url):
    limit = RateLimitItemPerMinute(50)
    limiter = Limiter(redis_url)
    with ThreadPoolExecutor(8) as threads:
        verdicts = list(threads.map(lambda _: limiter.hit(limit, "one"), range(200)))
    assert sum(verdict.allowed for verdict in verdicts) == 50
    assert limiter.hit(limit, "another").allowed


def test_an_address_with_too_many_invalid_keys_is_told_to_wait_but_valid_keys_pass(merchant):
    for _ in range(FAILURES_PER_ADDRESS.amount):
        assert code_of(ask("x", REMOTE_ADDR="192.0.2.1")) == (401, "invalid_api_key")
    refused = ask("x", REMOTE_ADDR="192.0.2.1")
    assert code_of(refused) == (429, "too_many_failures")
    assert int(refused["Retry-After"]) >= 1
    assert ask("x", REMOTE_ADDR="192.0.2.2").status_code == 401
    assert ask(make_key(merchant).text, REMOTE_ADDR="192.0.2.1").status_code == 200


def test_with_valkey_away_requests_pass_and_it_is_logged_once(caplog):
    merchant = make_merchant(requests_per_minute=1)
    text = make_key(merchant).text
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"redis://:hunter2@127.0.0.1:{nobody.getsockname()[1]}/0"
        with override_settings(REDIS_URL=url):
            assert [ask(text).status_code for _ in range(5)] == [200] * 5
    warnings = [r for r in caplog.records if r.name == "apikeys.limiter"]
    assert len(warnings) == 1
    assert "hunter2" not in caplog.text


def test_a_frozen_valkey_holds_one_request_for_a_moment_and_the_next_ones_not_at_all():
    text = make_key(make_merchant(requests_per_minute=1)).text
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        with override_settings(REDIS_URL=f"redis://127.0.0.1:{frozen.getsockname()[1]}/0"):
            assert [ask(text).status_code for _ in range(5)] == [200] * 5
        frozen.settimeout(5)
        frozen.accept()[0].close()
        # Only the first request went to Valkey at all.
        frozen.setblocking(False)
        with pytest.raises(BlockingIOError):
            frozen.accept()


# Command


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


# Admin


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
