"""API keys at the door of the API: who comes in, from where, and with which scopes."""

import pytest
from django.urls import path
from rest_framework.views import APIView

from apikeys.checks import problems_of
from apikeys.hashing import KeyParts, draw_key
from apikeys.models import ApiKey
from apikeys.operations import note_use, revoke_key
from apikeys.permissions import DenyByDefault
from apikeys.scopes import Scope
from tenants.clock import database_now
from tenants.models import Merchant
from tests.factories.tenants import LONG_AGO, make_key
from tests.integration.apikeys.kit import DAY, Probe, ask, code_of

pytestmark = pytest.mark.django_db


class Undeclared(Probe):
    permission_classes = [DenyByDefault]


class Whole(Probe):
    required_scopes = {**Probe.required_scopes, "PUT": Scope.JOBS_WRITE}


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
