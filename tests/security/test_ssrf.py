"""Where HTTP jobs may go: the address table, the URL's spellings, the resolver, the socket."""

import asyncio
import ipaddress
import socket
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from jobs.engine import Engine
from jobs.handlers.http.client import GuardedClient, Sending
from jobs.handlers.http.kind import HttpRunner
from jobs.handlers.http.policy import AddressDenied, AddressPolicy
from jobs.handlers.http.request import Request
from jobs.handlers.http.resolver import AddressInfo, GuardedResolver
from jobs.handlers.http.target import InvalidTarget, parse_target
from jobs.handlers.kinds import InvalidPayload
from jobs.outcomes import Result
from tests.handlers_kit import (
    LOOPBACK,
    RawServer,
    http_runner,
    loopback_engine,
    make_attempt,
    run_http,
)

CLOSED = AddressPolicy()
OPEN_LOOPBACK = AddressPolicy(LOOPBACK)

DENIED_IPV4 = [
    "0.0.0.0",
    "0.0.0.1",
    "0.255.255.255",
    "10.0.0.0",
    "10.1.2.3",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.0",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.20.1.1",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.0.255",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.255",
    "224.0.0.0",
    "224.0.0.1",
    "239.1.1.1",
    "239.255.255.255",
    "240.0.0.0",
    "255.255.255.255",
]
DENIED_IPV6 = [
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "3fff:fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
ALLOWED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700::1111",
    "3ffe::1",
]


@pytest.mark.parametrize("address", DENIED_IPV4 + DENIED_IPV6)
def test_special_address_is_denied(address: str) -> None:
    assert CLOSED.refusal(address) is not None


@pytest.mark.parametrize("address", ALLOWED)
def test_public_address_is_allowed(address: str) -> None:
    assert CLOSED.refusal(address) is None


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "1.2.3.4.5", "٨.8.8.8"])
def test_what_is_no_address_is_denied(text: str) -> None:
    assert CLOSED.refusal(text) is not None


def test_allow_list_opens_its_network_and_nothing_beside_it() -> None:
    assert OPEN_LOOPBACK.refusal("127.0.0.1") is None
    assert OPEN_LOOPBACK.refusal("::ffff:127.0.0.1") is None
    for bystander in ("::1", "::127.0.0.1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"):
        assert OPEN_LOOPBACK.refusal(bystander) is not None


def test_opened_nat64_prefix_still_does_not_translate_to_denied_addresses() -> None:
    nat64 = AddressPolicy((ipaddress.ip_network("64:ff9b::/96"),))
    assert nat64.refusal("64:ff9b::808:808") is None
    assert nat64.refusal("64:ff9b::7f00:1") is not None
    assert nat64.refusal("64:ff9b::a9fe:a9fe") is not None


DENIED_URLS = [
    "http://127.0.0.1/",
    "http://127.0.0.1:6379/",
    "HTTP://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://①②⑦.0.0.1/",
    "http://127。0。0。1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "https://10.0.0.1:8443/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://a.localhost/",
    "http://printer.local/",
    "http://vault.internal/",
    "http://metadata/",
    "http://metadata.google.internal/",
    "http://metadata.goog./",
    "http://instance-data/latest",
    "http://kubernetes.default.svc/",
    "http://redis/",
    "http://postgres:5432/",
]
INVALID_URLS = [
    "",
    "//example.com/",
    "example.com",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com:6379/_x",
    "http:example.com",
    "http:/example.com",
    "http:///path",
    "http://:80/",
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://exa mple.com/",
    " http://example.com/",
    "http://example.com/\t",
    "http://example.com/\r\nHost: x",
    "http://example.com/\x00",
    "http://example.com/\u0085",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:999999/",
    "http://example.com:+80/",
    "http://example.com:\uff18\uff10/",
    "http://example.com:8o/",
    "http://example.com:80:80/",
    "http://[::1/",
    "http://[127.0.0.1]/",
    "http://[v1.x]/",
    "http://a..example.com/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%2f.example.com/",
    "http://-bad-.example.com/",
    "http://1.2.3.4.5/",
    "http://1.2.3.400/",
    "http://010.8.8.8/",
    f"http://{'a' * 64}.example.com/",
    f"http://{'a.' * 127}example.com/",
]


@pytest.mark.parametrize("url", DENIED_URLS)
def test_url_that_names_a_denied_place_is_refused_at_creation(url: str) -> None:
    with pytest.raises(AddressDenied):
        parse_target(url, CLOSED)


@pytest.mark.parametrize("url", INVALID_URLS)
def test_url_that_parsers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(InvalidTarget):
        parse_target(url, CLOSED)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.com", "example.com"),
        ("https://EXAMPLE.com:8443/a?b=c#d", "example.com"),
        ("https://a-b.example.co.uk./", "a-b.example.co.uk."),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("http://8.8.8.8:65535/", "8.8.8.8"),
        ("http://[2606:4700::1111]:1/", "2606:4700::1111"),
        ("http://example.com/@x?y=@z#@", "example.com"),
        ("http://example.com#@127.0.0.1/", "example.com"),
        ("http://127.0.0.1.example.com/", "127.0.0.1.example.com"),
        ("http://1.2.3.4x/", "1.2.3.4x"),
    ],
)
def test_public_url_is_accepted_with_the_host_it_will_be_sent_to(url: str, host: str) -> None:
    assert parse_target(url, CLOSED).raw_host == host


def test_allow_list_leaves_local_names_to_their_addresses_but_never_metadata_names() -> None:
    assert parse_target("http://localhost:8000/", OPEN_LOOPBACK).raw_host == "localhost"
    assert parse_target("http://127.0.0.1:8000/", OPEN_LOOPBACK).raw_host == "127.0.0.1"
    with pytest.raises(AddressDenied):
        parse_target("http://metadata.google.internal/", OPEN_LOOPBACK)
    with pytest.raises(AddressDenied):
        parse_target("http://192.168.0.1/", OPEN_LOOPBACK)


def test_creation_names_the_field_of_a_denied_url(settings: Any) -> None:
    settings.TASKFLOW_ENGINE = Engine()
    with pytest.raises(InvalidPayload) as refused:
        HttpRunner().validate({"url": "http://127.0.0.1/secret?token=abc"})
    (problem,) = refused.value.problems
    assert problem.pointer == "/url"
    assert "127.0.0.1" in problem.message
    assert "abc" not in problem.message


def answering(*addresses: str) -> Any:
    """Return a lookup that always gives these addresses, and counts how often it was asked."""

    async def lookup(host: str, port: int, family: int) -> list[AddressInfo]:
        lookup.asked += 1  # type: ignore[attr-defined]
        return [_info(address, port) for address in addresses]

    lookup.asked = 0  # type: ignore[attr-defined]
    return lookup


def _info(address: str, port: int) -> AddressInfo:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("8.8.8.8", "127.0.0.1"),
        ("127.0.0.1", "8.8.8.8"),
        ("8.8.8.8", "::1"),
        ("2606:4700::1111", "10.0.0.1"),
        ("fe80::1%eth0",),
        ("8.8.8.8", "1.1.1.1", "169.254.169.254"),
    ],
)
def test_one_denied_address_among_the_answers_refuses_the_name(addresses: tuple[str, ...]) -> None:
    resolver = GuardedResolver(CLOSED, answering(*addresses))
    with pytest.raises(AddressDenied) as denied:
        asyncio.run(resolver.resolve("rebinding.example.com", 80))
    for address in addresses:
        assert address not in str(denied.value)


def test_public_addresses_reach_the_connector_as_they_were_resolved() -> None:
    resolver = GuardedResolver(CLOSED, answering("8.8.8.8", "2606:4700::1111"))
    results = asyncio.run(resolver.resolve("example.com", 443))
    assert [result["host"] for result in results] == ["8.8.8.8", "2606:4700::1111"]
    assert {result["hostname"] for result in results} == {"example.com"}


def test_name_without_addresses_is_an_error_of_resolution() -> None:
    with pytest.raises(OSError, match="no address"):
        asyncio.run(GuardedResolver(CLOSED, answering()).resolve("example.com", 80))


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    await writer.drain()


async def _sent(client: GuardedClient, url: str) -> int:
    request = Request("GET", URL(url), CIMultiDict(), None)
    async with client.send(request, Sending()) as response:
        return response.status


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]"])
def test_literal_address_does_not_get_around_the_guard(host: str) -> None:
    """aiohttp asks no resolver for a literal address: the socket itself is guarded."""

    async def scenario() -> int:
        async with RawServer(_greet) as canary:
            port = canary.url.rsplit(":", 1)[1]
            client = GuardedClient(CLOSED, 10)
            try:
                with pytest.raises(AddressDenied):
                    await _sent(client, f"http://{host}:{port}/")
            finally:
                await client.close()
            return canary.connections

    assert asyncio.run(scenario()) == 0


def test_same_literal_is_reached_when_the_operator_opened_loopback() -> None:
    async def scenario() -> int:
        async with RawServer(_greet) as target:
            client = GuardedClient(OPEN_LOOPBACK, 10)
            try:
                return await _sent(client, target.url)
            finally:
                await client.close()

    assert asyncio.run(scenario()) == 200


def test_name_that_turns_private_after_creation_is_rejected_at_the_attempt(settings: Any) -> None:
    settings.TASKFLOW_ENGINE = Engine()
    payload = {"url": "http://rebinding.example.com/path?token=hunter2"}
    lookup = answering("127.0.0.1")

    async def scenario() -> Any:
        async with http_runner(lookup=lookup) as runner:
            runner.validate(payload)
            return await run_http(runner, make_attempt(payload))

    outcome = asyncio.run(scenario())
    assert outcome.result is Result.REJECTED
    assert outcome.failure.code == "address_denied"
    assert outcome.failure.detail == "not_sent"
    assert "hunter2" not in outcome.failure.message


def test_name_is_resolved_once_and_that_address_is_connected_to(settings: Any) -> None:
    """A second lookup could answer another address than the one that was checked."""
    settings.TASKFLOW_ENGINE = loopback_engine()
    lookup = answering("127.0.0.1")

    async def scenario() -> Any:
        async with RawServer(_greet) as target, http_runner(lookup=lookup) as runner:
            port = target.url.rsplit(":", 1)[1]
            attempt = make_attempt({"method": "GET", "url": f"http://name.example.com:{port}/"})
            return await run_http(runner, attempt)

    assert asyncio.run(scenario()).result is Result.SUCCEEDED
    assert lookup.asked == 1


def test_attempt_on_a_denied_literal_is_rejected_without_a_connection(settings: Any) -> None:
    settings.TASKFLOW_ENGINE = Engine()

    async def scenario() -> Any:
        async with RawServer(_greet) as canary, http_runner() as runner:
            outcome = await run_http(runner, make_attempt({"url": canary.url}))
            return outcome, canary.connections

    outcome, connections = asyncio.run(scenario())
    assert (outcome.result, outcome.failure.code) == (Result.REJECTED, "address_denied")
    assert connections == 0
