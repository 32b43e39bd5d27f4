"""Rate limits of API keys on a real Valkey, also on one that is away or frozen."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import override_settings
from limits import RateLimitItemPerMinute

from apikeys.authentication import FAILURES_PER_ADDRESS
from apikeys.limiter import Limiter
from tests.factories.tenants import make_key, make_merchant
from tests.integration.apikeys.kit import ask, code_of

pytestmark = pytest.mark.django_db


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
