"""What the tests of handlers share: attempts, servers on loopback, a runner for HTTP jobs."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from jobs.engine import Engine
from jobs.handlers.context import AttemptContext
from jobs.handlers.http.kind import HttpRunner
from jobs.outcomes import Attempt, Outcome

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
PATIENCE = 30.0  # seconds; only a hanging test ever waits so long

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def make_attempt(payload: dict[str, Any], **changes: Any) -> Attempt:
    """Return a first attempt of a job."""
    plain = Attempt(
        job_id=uuid4(),
        ticket=1,
        merchant_id=UUID(int=7),
        kind="http",
        handler=str(payload.get("handler", "")),
        name="",
        payload=payload,
        number=1,
        round=1,
        max_attempts=3,
        timeout=PATIENCE,
        backoff=None,
        scheduled_at=datetime.now(UTC),
        started_at=datetime.now(UTC),
    )
    return replace(plain, **changes)


def loopback_engine(**changes: Any) -> Engine:
    """Return an engine whose operator opened loopback."""
    return replace(Engine(http_allow_networks=LOOPBACK), **changes)


@asynccontextmanager
async def http_runner(**ways: Any) -> AsyncIterator[HttpRunner]:
    """Give a runner that knows one secret and no database."""
    runner = HttpRunner(**{"load": lambda _merchant: SECRET, **ways})
    try:
        yield runner
    finally:
        await runner.close()


async def run_http(runner: HttpRunner, attempt: Attempt) -> Outcome:
    """Run one attempt, with patience for no longer than a test may take."""
    async with asyncio.timeout(PATIENCE):
        return await runner.run(attempt, AttemptContext(attempt))


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve `app` on loopback; gives its base URL."""
    server = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{server.addresses[0][1]}"
    finally:
        await server.cleanup()


class RawServer:
    """Counts its connections and speaks whatever `talk` says."""

    def __init__(self, talk: Connected) -> None:
        self._talk = talk
        self.connections = 0
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            return  # the client or the test went away
        finally:
            writer.close()

    async def __aenter__(self) -> "RawServer":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
