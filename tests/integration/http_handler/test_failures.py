"""Connections that fail: each failure says whether to try again and how far it came."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from jobs.outcomes import Outcome, Result
from tests.certificates import self_signed
from tests.handlers_kit import RawServer, http_runner, make_attempt, run_http
from tests.integration.http_handler.kit import call_raw, close_at_once, failure


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
        (close_at_once, "connection_reset", "ambiguous"),
        (_reset, "connection_reset", "ambiguous"),
        (_break_off, "incomplete_body", "answered"),
        (_babble, "protocol_error", "ambiguous"),
    ],
)
def test_broken_answer_is_retryable_and_says_how_far_it_came(
    talk: Any, code: str, reach: str
) -> None:
    assert failure(call_raw(talk)) == (Result.FAILED, code, reach)


def test_refused_connection_was_never_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/?token=hunter2"

        async def scenario() -> Outcome:
            async with http_runner() as runner:
                return await run_http(runner, make_attempt({"url": url}))

        outcome = asyncio.run(scenario())
    assert failure(outcome) == (Result.FAILED, "connection_refused", "not_sent")
    assert "hunter2" not in repr(outcome)


def test_name_that_does_not_resolve_is_retryable() -> None:
    async def lookup(host: str, port: int, family: int) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def scenario() -> Outcome:
        async with http_runner(lookup=lookup) as runner:
            return await run_http(runner, make_attempt({"url": "http://gone.example.com/"}))

    assert failure(asyncio.run(scenario())) == (Result.FAILED, "dns_failure", "not_sent")


def test_plain_server_behind_https_is_a_tls_failure() -> None:
    async def scenario() -> Outcome:
        async with RawServer(_babble_at_once) as server, http_runner() as runner:
            url = server.url.replace("http://", "https://")
            return await run_http(runner, make_attempt({"url": url}))

    assert failure(asyncio.run(scenario())) == (Result.FAILED, "tls_failure", "not_sent")


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
        context.load_cert_chain(self_signed(tmp_path, "127.0.0.1"))
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        async with server, http_runner() as runner:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            return await run_http(runner, make_attempt({"url": url})), read

    outcome, read = asyncio.run(scenario())
    assert failure(outcome) == (Result.FAILED, "tls_failure", "not_sent")
    assert read == []
