"""HTTP jobs against real servers on loopback."""

import asyncio
import gzip
import ipaddress
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.db import OperationalError
from standardwebhooks import Webhook, WebhookVerificationError

from jobs.echo_target import make_app
from jobs.handlers.context import AttemptContext
from jobs.handlers.http.kind import HttpRunner
from jobs.handlers.http.resolver import AddressInfo
from jobs.handlers.http.secrets import load_secret
from jobs.outcomes import Outcome, Result
from tests.factories.jobs import make_merchant
from tests.handlers_kit import (
    PATIENCE,
    SECRET,
    RawServer,
    http_runner,
    loopback_engine,
    make_attempt,
    run_http,
    serving,
)

LIMIT = 64 * 1024
SHORT = 0.4  # seconds: a time limit that is meant to strike


@pytest.fixture(autouse=True)
def _open_loopback(settings: Any) -> None:
    settings.TASKFLOW_ENGINE = loopback_engine()


def call(app: web.Application, path: str, payload: dict[str, Any], **changes: Any) -> Outcome:
    """Run one attempt against `app`."""

    async def scenario() -> Outcome:
        async with serving(app) as base, http_runner() as runner:
            return await run_http(runner, make_attempt({"url": base + path, **payload}, **changes))

    return asyncio.run(scenario())


def call_raw(talk: Any, payload: dict[str, Any] | None = None, **changes: Any) -> Outcome:
    """Run one attempt against a server that speaks for itself."""

    async def scenario() -> Outcome:
        async with RawServer(talk) as server, http_runner() as runner:
            attempt = make_attempt({"url": server.url, **(payload or {})}, **changes)
            return await run_http(runner, attempt)

    return asyncio.run(scenario())


def app_with(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.Application:
    """Return an application that answers everything by `answer`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def _failure(outcome: Outcome) -> tuple[Result, str, str]:
    assert outcome.failure is not None
    return outcome.result, outcome.failure.code, outcome.failure.detail


def test_expected_status_succeeds_and_the_answer_is_kept() -> None:
    outcome = call(make_app(), "/echo", {"json": {"order": 7}})
    assert outcome.result is Result.SUCCEEDED
    assert outcome.failure is None
    assert outcome.http_status == 200
    assert json.loads(outcome.output["body"]) == {
        "method": "POST",
        "attempt": "1",
        "body": {"order": 7},
    }
    assert outcome.output["headers"]["content-type"] == "application/json; charset=utf-8"
    assert outcome.output["body_truncated"] is False


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (204, Result.SUCCEEDED),
        (299, Result.SUCCEEDED),
        (302, Result.REJECTED),
        (304, Result.REJECTED),
        (400, Result.REJECTED),
        (404, Result.REJECTED),
        (410, Result.REJECTED),
        (408, Result.FAILED),
        (425, Result.FAILED),
        (429, Result.FAILED),
        (500, Result.FAILED),
        (503, Result.FAILED),
        (599, Result.FAILED),
    ],
)
def test_status_decides_between_success_retry_and_rejection(status: int, result: Result) -> None:
    outcome = call(make_app(), f"/status/{status}", {"method": "GET"})
    assert (outcome.result, outcome.http_status) == (result, status)
    if outcome.failure:
        assert (outcome.failure.code, outcome.failure.detail) == (f"http_{status}", "answered")


@pytest.mark.parametrize(
    ("expected", "status", "result"),
    [
        ([404], 404, Result.SUCCEEDED),
        (["4xx"], 418, Result.SUCCEEDED),
        (["2xx", 503], 503, Result.SUCCEEDED),
        ([201], 200, Result.REJECTED),
        ([302], 302, Result.SUCCEEDED),
    ],
)
def test_expected_statuses_replace_the_default(
    expected: list[int | str], status: int, result: Result
) -> None:
    payload = {"method": "GET", "expected_statuses": expected}
    assert call(make_app(), f"/status/{status}", payload).result is result


def test_redirect_is_not_followed() -> None:
    async def scenario() -> tuple[Outcome, dict[str, Any]]:
        async with serving(make_app()) as base, http_runner() as runner:
            attempt = make_attempt({"method": "GET", "url": f"{base}/redirect"})
            outcome = await run_http(runner, attempt)
            ledger = make_attempt({"method": "GET", "url": f"{base}/ledger"})
            return outcome, json.loads((await run_http(runner, ledger)).output["body"])

    outcome, ledger = asyncio.run(scenario())
    assert (outcome.result, outcome.http_status) == (Result.REJECTED, 302)
    assert outcome.output["headers"]["location"] == "/echo"
    assert ledger["requests"] == 1


def test_retry_after_of_a_retryable_status_is_honoured_and_of_another_ignored() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(
            status=int(request.path.strip("/")), headers={"Retry-After": request.query["wait"]}
        )

    assert call(app_with(answer), "/503?wait=17", {}).retry_after == 17
    assert call(app_with(answer), "/429?wait=-5", {}).retry_after is None
    assert call(app_with(answer), "/404?wait=17", {}).retry_after is None


def test_target_that_fails_twice_then_works_sees_one_idempotency_key() -> None:
    seen: list[tuple[str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        headers = request.headers
        seen.append(
            (headers["Idempotency-Key"], headers["webhook-id"], headers["X-TaskFlow-Attempt"])
        )
        return web.Response(status=503 if len(seen) < 3 else 200)

    async def scenario() -> tuple[str, list[Result]]:
        async with serving(app_with(answer)) as base, http_runner() as runner:
            first = make_attempt({"url": base})
            results = []
            for number in (1, 2, 3):
                attempt = make_attempt({"url": base}, job_id=first.job_id, number=number)
                results.append((await run_http(runner, attempt)).result)
            return str(first.job_id), results

    job, results = asyncio.run(scenario())
    assert results == [Result.FAILED, Result.FAILED, Result.SUCCEEDED]
    assert seen == [(job, job, "1"), (job, job, "2"), (job, job, "3")]


@pytest.mark.parametrize(
    "payload",
    [
        {"json": {"name": "Zoë", "amounts": [1, 2.5], "none": None}},
        {"json": None},
        {"text": '{"a": "\\u00e9 ☃"}'},
        {"text": "", "headers": {"Content-Type": "application/xml"}},
        {},
    ],
)
def test_signature_is_accepted_by_the_independent_verifier(payload: dict[str, Any]) -> None:
    received: list[tuple[bytes, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append((await request.read(), dict(request.headers)))
        return web.Response()

    assert call(app_with(answer), "/", payload).result is Result.SUCCEEDED
    body, headers = received[0]
    Webhook(SECRET).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers, json_parse=False)


def test_producer_headers_arrive_beside_the_platforms_own() -> None:
    received: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append(dict(request.headers))
        return web.Response()

    payload = {"text": "x", "headers": {"X-Shop": "a\tb", "User-Agent": "Shop/1"}}
    attempt = make_attempt({})
    call(app_with(answer), "/", payload, job_id=attempt.job_id)
    headers = received[0]
    assert headers["X-Shop"] == "a\tb"
    assert headers["User-Agent"] == "Shop/1"
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["X-TaskFlow-Job"] == str(attempt.job_id)
    version, trace, span, flags = headers["traceparent"].split("-")
    assert (version, trace, len(span), flags) == ("00", attempt.job_id.hex, 16, "01")


@pytest.mark.parametrize(
    ("size", "truncated"), [(0, False), (LIMIT - 1, False), (LIMIT, False), (LIMIT + 1, True)]
)
def test_body_is_kept_up_to_the_limit(size: int, truncated: bool) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * size)

    output = call(app_with(answer), "/", {}).output
    assert output["body"] == "x" * min(size, LIMIT)
    assert output["body_bytes"] == min(size, LIMIT)
    assert output["body_truncated"] is truncated


def test_endless_body_is_cut_and_its_connection_dropped() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"y" * 65536)
            await writer.drain()

    outcome = call_raw(talk)
    assert outcome.result is Result.SUCCEEDED
    assert len(outcome.output["body"]) == LIMIT
    assert outcome.output["body_truncated"] is True


def test_body_cut_inside_a_character_ends_before_it() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"a" + "é".encode() * LIMIT)

    body = call(app_with(answer), "/", {}).output["body"]
    assert body == "a" + "é" * ((LIMIT - 1) // 2)


def test_compressed_body_is_left_as_it_came() -> None:
    bomb = gzip.compress(b"\x00" * 10_000_000)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    output = call(app_with(answer), "/", {}).output
    assert output["body_bytes"] == len(bomb)


def test_hostile_answer_is_kept_as_storable_text() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-Odd: \xff\xfe\r\nSet-Cookie: sid=secret\r\n")
        writer.write(b"Content-Type: text/plain; charset=punycode\r\nContent-Length: 6\r\n\r\n")
        writer.write(b"a\x00b\xff\xed\xa0")
        await writer.drain()

    output = call_raw(talk).output
    text = json.dumps(output)
    assert "\\u0000" not in text
    assert "\\ud8" not in text
    assert output["body"].startswith("a\ufffdb\ufffd")
    assert output["headers"]["set-cookie"] == "***"


async def _drip_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(SHORT / 8)


async def _drip_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(SHORT / 8)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("talk", "reach"),
    [(_drip_head, "ambiguous"), (_drip_body, "answered"), (_silent, "ambiguous")],
)
def test_target_that_drips_or_hangs_does_not_outlive_the_timeout(talk: Any, reach: str) -> None:
    """Each byte comes well within any read timeout; only a total deadline ends this."""
    assert _failure(call_raw(talk, timeout=SHORT)) == (Result.TIMED_OUT, "timeout", reach)


def test_what_had_come_before_the_timeout_is_kept() -> None:
    outcome = call_raw(_drip_body, timeout=SHORT)
    assert outcome.http_status == 200
    assert outcome.output["body"].startswith("x")
    assert outcome.output["body_truncated"] is True


def test_name_server_that_hangs_does_not_outlive_the_timeout() -> None:
    async def lookup(host: str, port: int, family: int) -> Any:
        await asyncio.Event().wait()

    async def scenario() -> Outcome:
        async with http_runner(lookup=lookup) as runner:
            attempt = make_attempt({"url": "http://example.com/"}, timeout=SHORT)
            return await run_http(runner, attempt)

    assert _failure(asyncio.run(scenario())) == (Result.TIMED_OUT, "timeout", "not_sent")


async def _close_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()


async def _break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()


async def _babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("talk", "code", "reach"),
    [
        (_close_at_once, "connection_reset", "ambiguous"),
        (_reset, "connection_reset", "ambiguous"),
        (_break_off, "incomplete_body", "answered"),
        (_babble, "protocol_error", "ambiguous"),
    ],
)
def test_broken_answer_is_retryable_and_says_how_far_it_came(
    talk: Any, code: str, reach: str
) -> None:
    assert _failure(call_raw(talk)) == (Result.FAILED, code, reach)


def test_refused_connection_was_never_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/?token=hunter2"

        async def scenario() -> Outcome:
            async with http_runner() as runner:
                return await run_http(runner, make_attempt({"url": url}))

        outcome = asyncio.run(scenario())
    assert _failure(outcome) == (Result.FAILED, "connection_refused", "not_sent")
    assert "hunter2" not in repr(outcome)


def test_name_that_does_not_resolve_is_retryable() -> None:
    async def lookup(host: str, port: int, family: int) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def scenario() -> Outcome:
        async with http_runner(lookup=lookup) as runner:
            return await run_http(runner, make_attempt({"url": "http://gone.example.com/"}))

    assert _failure(asyncio.run(scenario())) == (Result.FAILED, "dns_failure", "not_sent")


def test_plain_server_behind_https_is_a_tls_failure() -> None:
    async def scenario() -> Outcome:
        async with RawServer(_babble_at_once) as server, http_runner() as runner:
            url = server.url.replace("http://", "https://")
            return await run_http(runner, make_attempt({"url": url}))

    assert _failure(asyncio.run(scenario())) == (Result.FAILED, "tls_failure", "not_sent")


async def _babble_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


def test_certificate_that_nobody_trusts_is_a_tls_failure(tmp_path: Path) -> None:
    async def scenario() -> tuple[Outcome, list[str]]:
        read: list[str] = []

        async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            read.append((await reader.readline()).decode())

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_self_signed(tmp_path))
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        async with server, http_runner() as runner:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            return await run_http(runner, make_attempt({"url": url})), read

    outcome, read = asyncio.run(scenario())
    assert _failure(outcome) == (Result.FAILED, "tls_failure", "not_sent")
    assert read == []


def _self_signed(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1, with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path


def test_proxy_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> tuple[Outcome, int]:
        async with (
            RawServer(_close_at_once) as proxy,
            serving(make_app()) as base,
            http_runner() as runner,
        ):
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy.url)
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            outcome = await run_http(runner, make_attempt({"url": f"{base}/echo"}))
            return outcome, proxy.connections

    outcome, connections = asyncio.run(scenario())
    assert outcome.result is Result.SUCCEEDED
    assert connections == 0


async def _keep_alive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nok")
        await writer.drain()


def test_connection_is_reused_for_the_next_job() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _keep_alive(reader, writer)
        except asyncio.IncompleteReadError:
            return  # the pool closed it at the end

    async def scenario() -> tuple[set[Result], int]:
        async with RawServer(talk) as server, http_runner() as runner:
            results = {
                (await run_http(runner, make_attempt({"url": server.url}))).result
                for _ in range(10)
            }
            return results, server.connections

    assert asyncio.run(scenario()) == ({Result.SUCCEEDED}, 1)


def test_cookie_of_one_job_is_not_sent_with_the_next() -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "sid=1"})

    async def lookup(host: str, port: int, family: int) -> list[AddressInfo]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async def scenario() -> None:
        async with serving(app_with(answer)) as base, http_runner(lookup=lookup) as runner:
            # A name: cookie jars ignore what an address sets.
            url = base.replace("127.0.0.1", "shop.example.com")
            for _ in range(2):
                await run_http(runner, make_attempt({"url": url}))

    asyncio.run(scenario())
    assert seen == [None, None]


def test_cancellation_passes_through_and_drops_the_connection() -> None:
    async def scenario() -> None:
        asked, dropped = asyncio.Event(), asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await reader.read()
            dropped.set()

        async with RawServer(talk) as server, http_runner() as runner, asyncio.timeout(PATIENCE):
            attempt = make_attempt({"url": server.url})
            running = asyncio.create_task(runner.run(attempt, AttemptContext(attempt)))
            await asked.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await dropped.wait()

    asyncio.run(scenario())


def test_one_lookup_of_the_secret_serves_many_jobs_of_a_merchant() -> None:
    asked: list[Any] = []

    def load(merchant: Any) -> str:
        asked.append(merchant)
        return SECRET

    async def scenario() -> set[Result]:
        async with serving(make_app()) as base, http_runner(load=load) as runner:
            attempts = [make_attempt({"url": f"{base}/echo"}) for _ in range(20)]
            outcomes = await asyncio.gather(*(run_http(runner, one) for one in attempts))
            await run_http(runner, attempts[0])
            return {outcome.result for outcome in outcomes}

    assert asyncio.run(scenario()) == {Result.SUCCEEDED}
    assert len(asked) == 1


def test_stored_payload_that_is_not_valid_any_more_is_rejected() -> None:
    async def scenario() -> Outcome:
        async with http_runner() as runner:
            return await run_http(runner, make_attempt({"url": "ftp://example.com/"}))

    assert _failure(asyncio.run(scenario())) == (Result.REJECTED, "invalid_payload", "not_sent")


def test_each_event_loop_has_connections_of_its_own() -> None:
    runner = HttpRunner(load=lambda _merchant: SECRET)

    async def scenario() -> Result:
        async with serving(make_app()) as base:
            outcome = await run_http(runner, make_attempt({"url": f"{base}/echo"}))
            await runner.close()
            return outcome.result

    assert [asyncio.run(scenario()) for _ in range(2)] == [Result.SUCCEEDED] * 2
    assert runner._loops == {}


@pytest.mark.parametrize("offset", [0, 2, -9])
def test_timestamp_is_the_attempts_start_whatever_its_zone(offset: int) -> None:
    received: list[tuple[bytes, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append((await request.read(), dict(request.headers)))
        return web.Response()

    started = datetime.now(timezone(timedelta(hours=offset))) - timedelta(seconds=100)
    call(app_with(answer), "/", {}, started_at=started)
    body, headers = received[0]
    assert headers["webhook-timestamp"] == str(int(started.timestamp()))
    Webhook(SECRET).verify(body, headers, json_parse=False)


@pytest.mark.django_db(transaction=True)
def test_request_is_signed_with_the_secret_of_its_own_merchant() -> None:
    mine, bystander = make_merchant(), make_merchant()
    received: list[tuple[bytes, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append((await request.read(), dict(request.headers)))
        return web.Response()

    async def scenario() -> Outcome:
        async with serving(app_with(answer)) as base, http_runner(load=load_secret) as runner:
            attempt = make_attempt({"url": base, "json": {}}, merchant_id=mine.id)
            return await run_http(runner, attempt)

    assert asyncio.run(scenario()).result is Result.SUCCEEDED
    body, headers = received[0]
    Webhook(mine.signing_secret).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(bystander.signing_secret).verify(body, headers, json_parse=False)


@pytest.mark.django_db(transaction=True)
def test_job_of_a_merchant_that_is_gone_is_rejected() -> None:
    async def scenario() -> Outcome:
        async with http_runner(load=load_secret) as runner:
            return await run_http(runner, make_attempt({"url": "http://127.0.0.1:9/"}))

    assert _failure(asyncio.run(scenario())) == (Result.REJECTED, "unknown_merchant", "not_sent")


def test_database_that_is_away_is_no_fault_of_the_job() -> None:
    def load(merchant: Any) -> str:
        raise OperationalError("server closed the connection")

    async def scenario() -> Outcome:
        async with http_runner(load=load) as runner:
            return await run_http(runner, make_attempt({"url": "http://127.0.0.1:9/"}))

    assert _failure(asyncio.run(scenario())) == (Result.FAILED, "secret_unavailable", "not_sent")
