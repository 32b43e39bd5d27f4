"""Where a connection really goes: names are checked by their addresses, at every attempt."""

import asyncio
import socket
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from jobs.engine import Engine
from jobs.handlers.http.client import GuardedClient, Sending
from jobs.handlers.http.policy import AddressDenied
from jobs.handlers.http.request import Request
from jobs.handlers.http.resolver import AddressInfo, GuardedResolver
from jobs.outcomes import Result
from tests.handlers_kit import RawServer, http_runner, loopback_engine, make_attempt, run_http
from tests.security.address_policies import CLOSED, OPEN_LOOPBACK


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
