"""The pure rules of HTTP jobs: payload, headers, Retry-After, what is kept of an answer."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from jobs.handlers.http.headers import MAX_KEPT_HEADERS, header_problems, kept_headers
from jobs.handlers.http.payload import METHODS, parse_payload
from jobs.handlers.http.policy import AddressPolicy
from jobs.handlers.http.request import build_request
from jobs.handlers.http.retry_after import CAP, parse_retry_after
from jobs.handlers.kinds import InvalidPayload
from jobs.handlers.trace_context import traceparent
from jobs.outcomes import Attempt
from tenants.signing_secrets import new_signing_secret, signing_secret_text

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
URL = "https://example.com/hook"
TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def problems(payload: Any) -> dict[str, str]:
    try:
        parse_payload(payload, AddressPolicy())
    except InvalidPayload as error:
        return {problem.pointer: problem.message for problem in error.problems}
    return {}


def test_what_a_call_carries_is_in_no_repr() -> None:
    payload = {
        "url": f"{URL}?token=s3cret",
        "headers": {"Authorization": "Bearer s3cret"},
        "json": {"password": "s3cret"},
    }
    attempt = Attempt(
        job_id=UUID(int=1),
        ticket=1,
        merchant_id=UUID(int=2),
        kind="http",
        handler="",
        name="order",
        payload=payload,
        number=1,
        round=1,
        max_attempts=3,
        timeout=30.0,
        backoff=None,
        scheduled_at=NOW,
        started_at=NOW,
    )
    call = parse_payload(payload, AddressPolicy())
    request = build_request(call, attempt, Webhook(signing_secret_text(new_signing_secret())))
    shown = f"{attempt!r} {call!r} {request!r}"
    assert "s3cret" not in shown
    assert request.headers["webhook-signature"] not in shown
    assert "name='order'" in shown
    assert "method='POST'" in shown


@pytest.mark.parametrize(
    "payload",
    [
        {"url": URL},
        {"url": URL, "method": "GET"},
        {"url": URL, "json": None},
        {"url": URL, "json": [1, {"a": "b"}], "headers": {"Authorization": "Bearer x"}},
        {"url": URL, "method": "PUT", "text": ""},
        {"url": URL, "expected_statuses": [200, "3xx", 404]},
    ],
)
def test_payload_of_the_documented_form_is_accepted(payload: dict[str, Any]) -> None:
    assert problems(payload) == {}


@pytest.mark.parametrize(
    ("payload", "pointers"),
    [
        (None, {""}),
        ([], {""}),
        ({}, {"/url"}),
        ({"url": 5}, {"/url"}),
        ({"url": ""}, {"/url"}),
        ({"url": "http://example.com/" + "a" * 5000}, {"/url"}),
        ({"url": URL, "method": "get"}, {"/method"}),
        ({"url": URL, "method": "CONNECT"}, {"/method"}),
        ({"url": URL, "method": "TRACE"}, {"/method"}),
        ({"url": URL, "timeout": 5, "a/b": 1}, {"/timeout", "/a~1b"}),
        ({"url": URL, "headers": []}, {"/headers"}),
        ({"url": URL, "headers": {"X": 1}}, {"/headers/X"}),
        ({"url": URL, "text": 5}, {"/text"}),
        ({"url": URL, "text": "a", "json": {}}, {"/text"}),
        ({"url": URL, "method": "GET", "json": {}}, {"/json"}),
        ({"url": URL, "method": "HEAD", "text": ""}, {"/text"}),
        ({"url": URL, "expected_statuses": []}, {"/expected_statuses"}),
        ({"url": URL, "expected_statuses": 200}, {"/expected_statuses"}),
        ({"url": URL, "expected_statuses": [99, 600]}, {"/expected_statuses/0", "/expected_statuses/1"}),
        ({"url": URL, "expected_statuses": ["200", "6xx", "2XX"]}, {f"/expected_statuses/{i}" for i in range(3)}),
        ({"url": URL, "expected_statuses": [True, 200.5]}, {"/expected_statuses/0", "/expected_statuses/1"}),
        ({"url": "ftp://x", "headers": {"Host": "a"}, "text": "", "json": 1}, {"/url", "/headers/Host", "/text"}),
        ({"url": "http://10.0.0.1/", "headers": {"Host": "a"}}, {"/url", "/headers/Host"}),
    ],
)  # fmt: skip
def test_every_fault_of_a_payload_is_named(payload: Any, pointers: set[str]) -> None:
    assert set(problems(payload)) == pointers


def test_problem_never_repeats_a_huge_value() -> None:
    found = problems({"url": URL, "method": "X" * 100_000, "y" * 100_000: 1})
    assert found
    assert all(len(pointer) + len(message) < 300 for pointer, message in found.items())


def test_body_that_cannot_be_sent_is_refused_at_its_field() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for json in (deep, "\ud800", {"a": object()}, {"a": float("nan")}):
        assert set(problems({"url": URL, "json": json})) == {"/json"}
    assert set(problems({"url": URL, "text": "\ud800"})) == {"/text"}


def test_method_list_holds_nothing_that_changes_the_connection() -> None:
    assert {"CONNECT", "TRACE"}.isdisjoint(METHODS)


def _header(name: str, value: str = "x") -> list[str]:
    return [problem.message for problem in header_problems({name: value})]


@given(
    st.text(alphabet=TOKEN, min_size=1).map("X-".__add__),
    st.text(alphabet=TOKEN + ' \t,;="', max_size=200),
)
def test_token_with_printable_value_is_a_header(name: str, value: str) -> None:
    assert _header(name, value.strip(" \t")) == []


@given(st.text(min_size=1).filter(lambda name: not set(name) <= set(TOKEN)))
def test_name_with_any_other_character_is_refused(name: str) -> None:
    assert _header(name) != []


@given(
    st.text(max_size=20),
    st.characters(exclude_categories=(), min_codepoint=0, max_codepoint=0x10FFFF).filter(
        lambda c: c != "\t" and not " " <= c <= "~"
    ),
    st.text(max_size=20),
)
def test_value_with_a_control_or_non_ascii_character_is_refused(
    before: str, character: str, after: str
) -> None:
    assert _header("X-Any", before + character + after) != []


@pytest.mark.parametrize(
    "value", [" x", "x ", "\tx", "x\t", "x\r\nHost: y", "x\n", "x\0", "x" * 8001]
)
def test_value_that_could_be_read_in_two_ways_is_refused(value: str) -> None:
    assert _header("X-Any", value) != []


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "HOST",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Accept-Encoding",
        "Idempotency-Key",
        "Traceparent",
        "webhook-id",
        "Webhook-Signature",
        "X-TaskFlow-Job",
        "x-taskflow-anything",
    ],
)
def test_header_that_belongs_to_the_platform_is_refused(name: str) -> None:
    assert _header(name) == ["is set by TaskFlow; remove it."]


def test_one_header_in_two_spellings_is_refused() -> None:
    found = list(header_problems({"X-A": "1", "x-a": "2", "X-B": "3"}))
    assert [problem.pointer for problem in found] == ["/headers/x-a"]


def test_kept_headers_are_bounded_and_secrets_masked() -> None:
    raw = [(b"X-%d" % i, b"v" * 5000) for i in range(500)]
    kept = kept_headers(
        [(b"Set-Cookie", b"sid=1"), (b"X-Auth-Token", b"t"), (b"X-API-Key", b"k"), *raw]
    )
    assert len(kept) == MAX_KEPT_HEADERS
    assert max(map(len, kept.values())) == 1024
    assert {kept[name] for name in ("set-cookie", "x-auth-token", "x-api-key")} == {"***"}


def test_repeated_header_is_joined_and_odd_bytes_are_replaced() -> None:
    kept = kept_headers(
        [(b"Via", b"a"), (b"VIA", b"b\xff"), (b"Set-Cookie", b"1"), (b"Set-Cookie", b"2")]
    )
    assert kept == {"via": "a, b\ufffd", "set-cookie": "***"}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1", 1.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("86400", CAP),
        ("86401", CAP),
        ("31536000", CAP),
        ("0", None),
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("99999999999", None),
        ("9" * 400, None),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("1e3", None),
        ("٣", None),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sunday, 22-Nov-26 12:00:30 GMT", 30.0),
        ("Sun Nov 22 12:00:30 2026", 30.0),
        ("Sun, 22 Nov 2026 13:00:30 +0100", 30.0),
        ("Tue, 24 Nov 2026 12:00:00 GMT", CAP),
        ("Sun, 22 Nov 2026 11:59:59 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Sun, 99 Nov 2026 12:00:30 GMT", None),
        ("Sun, 22 Nov 99999999999 12:00:30 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text())
def test_no_retry_after_breaks_the_parser_or_its_bounds(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 < seconds <= CAP


@given(st.integers(min_value=1, max_value=23 * 3600))
def test_retry_after_date_counts_from_the_platforms_clock(seconds: int) -> None:
    value = (NOW + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert parse_retry_after(value, NOW) == seconds


def test_traceparent_keeps_the_trace_over_attempts_and_changes_the_span() -> None:
    job = UUID("0190b0a0-0000-7000-8000-000000000001")
    first, again, second = traceparent(job, 1), traceparent(job, 1), traceparent(job, 2)
    assert first == again != second
    assert first.split("-")[1] == second.split("-")[1] == job.hex
