"""What tests of HTTP jobs share: calls of the handler, and the servers that answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from jobs.outcomes import Outcome, Result
from tests.handlers_kit import RawServer, http_runner, make_attempt, run_http, serving


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


def failure(outcome: Outcome) -> tuple[Result, str, str]:
    assert outcome.failure is not None
    return outcome.result, outcome.failure.code, outcome.failure.detail


async def close_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
