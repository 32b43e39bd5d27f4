"""The bundled target: it must do exactly what tests and the demo count on."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from django.core.management import CommandError, call_command

from jobs.echo_target import FAILURES, JOBS, Ledger, make_app
from tests.handlers_kit import PATIENCE, serving

ROOT = Path(__file__).resolve().parents[2]
Talk = Callable[[aiohttp.ClientSession], Awaitable[Any]]


def with_target(talk: Talk) -> Any:
    """Run `talk` with a session on a fresh target."""

    async def scenario() -> Any:
        async with serving(make_app()) as base, aiohttp.ClientSession(base) as session:
            return await talk(session)

    return asyncio.run(scenario())


def test_each_path_answers_as_documented() -> None:
    async def talk(session: aiohttp.ClientSession) -> list[int]:
        paths = ["/echo", "/status/418", "/slow?seconds=0", "/drip?seconds=0.02&interval=0.01"]
        statuses = []
        for path in [*paths, "/redirect", "/slow?seconds=-1", "/slow?seconds=nan", "/nowhere"]:
            async with session.get(path, allow_redirects=False) as response:
                await response.read()
                statuses.append(response.status)
        return statuses

    assert with_target(talk) == [200, 418, 200, 200, 302, 400, 400, 404]


def test_fail_counts_each_job_on_its_own() -> None:
    async def talk(session: aiohttp.ClientSession) -> list[int]:
        statuses = []
        for job in ("a", "a", "b", "a", "b", "b"):
            async with session.post("/fail/2", headers={"X-TaskFlow-Job": job}) as response:
                statuses.append(response.status)
        async with session.post("/fail/2/mine", headers={"X-TaskFlow-Job": "a"}) as response:
            statuses.append(response.status)
        return statuses

    assert with_target(talk) == [503, 503, 503, 200, 503, 200, 503]


def test_ledger_counts_calls_per_job_and_not_its_own() -> None:
    async def talk(session: aiohttp.ClientSession) -> Any:
        for job in ("a", "b", "a"):
            await session.post("/echo", json={}, headers={"X-TaskFlow-Job": job})
        await session.get("/ledger")
        async with session.get("/ledger") as response:
            return await response.json()

    assert with_target(talk) == {"requests": 3, "jobs": {"a": 2, "b": 1}}


def test_ledger_forgets_the_oldest_beyond_its_bound() -> None:
    ledger = Ledger(limit=2)
    assert [ledger.add(key) for key in ("a", "b", "a", "c")] == [1, 1, 2, 1]
    assert ledger.counts() == {"a": 2, "c": 1}
    assert {JOBS, FAILURES} <= set(make_app())


def test_taken_port_is_said_clearly() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {port} .* choose another --port"):
            call_command("echo_target", port=port)


@pytest.mark.slow
def test_command_serves_until_sigterm_and_leaves_nothing() -> None:
    command = [sys.executable, "manage.py", "echo_target", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]

        async def talk() -> int:
            async with aiohttp.ClientSession() as session, session.get(f"{address}/echo") as answer:
                return answer.status

        assert asyncio.run(talk()) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
