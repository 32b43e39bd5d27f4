"""The bundled target of the demo and of tests: a small HTTP server on loopback.

It keeps a ledger of how often each job (X-TaskFlow-Job) called, bounded to the latest 100,000 jobs.
It answers anybody who reaches it, so it listens on loopback only.
"""

import asyncio
import json
from collections import OrderedDict

from aiohttp import web
from aiohttp.typedefs import Handler

HOST = "127.0.0.1"
MAX_JOBS = 100_000
MAX_BODY = 1024 * 1024  # bytes
MAX_SECONDS = 600.0


class Ledger:
    """Counts requests by key; the oldest keys are forgotten beyond `limit`."""

    def __init__(self, limit: int = MAX_JOBS) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._limit = limit
        self.requests = 0

    def add(self, key: str) -> int:
        """Count one more for `key` and return its count."""
        count = self._counts.get(key, 0) + 1
        self._counts[key] = count
        self._counts.move_to_end(key)
        self.requests += 1
        while len(self._counts) > self._limit:
            self._counts.popitem(last=False)
        return count

    def counts(self) -> dict[str, int]:
        """Return the count of each key."""
        return dict(self._counts)


JOBS = web.AppKey("jobs", Ledger)
FAILURES = web.AppKey("failures", Ledger)


def make_app() -> web.Application:
    """Return the application; each has ledgers of its own."""
    app = web.Application(client_max_size=MAX_BODY, middlewares=[_recorded])
    app[JOBS] = Ledger()
    app[FAILURES] = Ledger()
    app.router.add_get("/ledger", ledger)
    app.router.add_route("*", "/echo", echo)
    app.router.add_route("*", "/status/{code:[2-5][0-9][0-9]}", status)
    app.router.add_route("*", "/fail/{times:[0-9]{1,4}}", fail)
    app.router.add_route("*", "/fail/{times:[0-9]{1,4}}/{key}", fail)
    app.router.add_route("*", "/slow", slow)
    app.router.add_route("*", "/drip", drip)
    app.router.add_route("*", "/redirect", redirect)
    return app


@web.middleware
async def _recorded(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path != "/ledger":
        request.app[JOBS].add(request.headers.get("X-TaskFlow-Job", ""))
    return await handler(request)


async def ledger(request: web.Request) -> web.Response:
    """Answer how many requests came, in all and for each job."""
    jobs = request.app[JOBS]
    return web.json_response({"requests": jobs.requests, "jobs": jobs.counts()})


async def echo(request: web.Request) -> web.Response:
    """Answer 200 with what was sent: method, attempt, and the body as JSON or as text."""
    text = await request.text()
    try:
        body = json.loads(text) if text else None
    except ValueError:
        body = text
    attempt = request.headers.get("X-TaskFlow-Attempt", "")
    return web.json_response({"method": request.method, "attempt": attempt, "body": body})


async def status(request: web.Request) -> web.Response:
    """Answer the status of the path."""
    return web.Response(status=int(request.match_info["code"]), text="as asked\n")


async def fail(request: web.Request) -> web.Response:
    """Answer 503 to the first `times` requests of a key (the path's, else the job), then 200."""
    times = int(request.match_info["times"])
    key = request.match_info.get("key") or request.headers.get("X-TaskFlow-Job", "")
    count = request.app[FAILURES].add(f"{times}/{key}")
    return web.json_response({"request": count}, status=503 if count <= times else 200)


async def slow(request: web.Request) -> web.Response:
    """Answer 200 after `seconds`."""
    await asyncio.sleep(_seconds(request, "seconds", 1.0))
    return web.json_response({"slept": True})


async def drip(request: web.Request) -> web.StreamResponse:
    """Answer 200 at once, then send a byte every `interval` seconds for `seconds`."""
    interval = max(0.01, _seconds(request, "interval", 0.2))
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(int(_seconds(request, "seconds", 60.0) / interval)):
        await response.write(b".")
        await asyncio.sleep(interval)
    return response


async def redirect(_request: web.Request) -> web.Response:
    """Answer 302 to /echo; TaskFlow must not follow."""
    return web.Response(status=302, headers={"Location": "/echo"})


def _seconds(request: web.Request, name: str, default: float) -> float:
    try:
        seconds = float(request.query.get(name, default))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_SECONDS:
        raise web.HTTPBadRequest(text=f"{name} is a number from 0 to {MAX_SECONDS:g}\n")
    return seconds
