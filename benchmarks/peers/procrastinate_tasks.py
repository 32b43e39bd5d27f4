"""Procrastinate's tasks; coroutines, as its guide advises for concurrency in a process."""

import os

import aiohttp
from procrastinate import App, PsycopgConnector

from benchmarks.peers import work
from benchmarks.peers.peer import database_url

app = App(connector=PsycopgConnector(conninfo=database_url(), min_size=2, max_size=10))
_session: aiohttp.ClientSession | None = None


@app.task(name="noop")
async def noop() -> None:
    """Do nothing."""


@app.task(name="post")
async def post() -> None:
    """Do the request."""
    global _session
    if _session is None:
        _session = aiohttp.ClientSession()
    sending = _session.post(os.environ["BENCH_TARGET"], data=work.BODY, headers=work.HEADERS)
    async with sending as answer:
        answer.raise_for_status()
        await answer.read()


@app.task(name="stamp")
async def stamp(created: float) -> None:
    """Write down when this started."""
    work.stamp(created)
