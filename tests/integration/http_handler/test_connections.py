"""Connections of HTTP jobs: used again by the next job, and sharing nothing else."""

import asyncio
import socket

import pytest
from aiohttp import web

from jobs.echo_target import make_app
from jobs.handlers.context import AttemptContext
from jobs.handlers.http.kind import HttpRunner
from jobs.handlers.http.resolver import AddressInfo
from jobs.outcomes import Outcome, Result
from tests.handlers_kit import (
    PATIENCE,
    SECRET,
    RawServer,
    http_runner,
    make_attempt,
    run_http,
    serving,
)
from tests.integration.http_handler.kit import app_with, close_at_once


def test_proxy_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> tuple[Outcome, int]:
        async with (
            RawServer(close_at_once) as proxy,
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


def test_each_event_loop_has_connections_of_its_own() -> None:
    runner = HttpRunner(load=lambda _merchant: SECRET)

    async def scenario() -> Result:
        async with serving(make_app()) as base:
            outcome = await run_http(runner, make_attempt({"url": f"{base}/echo"}))
            await runner.close()
            return outcome.result

    assert [asyncio.run(scenario()) for _ in range(2)] == [Result.SUCCEEDED] * 2
    assert runner._loops == {}
