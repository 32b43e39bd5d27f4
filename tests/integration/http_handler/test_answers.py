"""What is kept of a target's answer, however long, slow or hostile it is."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from aiohttp import web

from jobs.outcomes import Outcome, Result
from tests.handlers_kit import http_runner, make_attempt, run_http
from tests.integration.http_handler.kit import app_with, call, call_raw, failure

LIMIT = 64 * 1024
SHORT = 0.4  # seconds: a time limit that is meant to strike


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
    assert failure(call_raw(talk, timeout=SHORT)) == (Result.TIMED_OUT, "timeout", reach)


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

    assert failure(asyncio.run(scenario())) == (Result.TIMED_OUT, "timeout", "not_sent")
