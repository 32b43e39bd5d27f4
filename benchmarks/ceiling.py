"""A part of `make bench`: what a bare asyncio client reaches against the same target.

Nothing is queued, nothing kept: as many requests at once as every queue may have, for some seconds.
"""

import argparse
import asyncio
import os
import platform
import time
from importlib.metadata import version

import aiohttp

from benchmarks.part import tell
from benchmarks.peers.work import BODY, HEADERS
from benchmarks.trial import SLOTS, Figures

WARM_UP = 1.0  # seconds


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0)
    seconds = parser.parse_args().seconds
    tell(lambda: asyncio.run(_measure(os.environ["BENCH_TARGET"], seconds)))


async def _measure(target: str, seconds: float) -> Figures:
    connections = SLOTS["post"].total
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        await _requests(session, target, connections, WARM_UP)
        cpu, started = sum(os.times()[:2]), time.monotonic()
        requests = await _requests(session, target, connections, seconds)
        took = time.monotonic() - started
    cpu = (sum(os.times()[:2]) - cpu) * 1000 / requests
    return {
        "title": "bare aiohttp client (the ceiling)",
        "configuration": f"{connections} requests at once, one process",
        "durability": "None: nothing is kept at all.",
        "versions": {"aiohttp": version("aiohttp")},
        "python": platform.python_version(),
        "post": {
            "jobs": requests,
            "per_second": round(requests / took, 1),
            "cpu_client": round(cpu, 3),
            "cpu": round(cpu, 3),
        },
    }


async def _requests(
    session: aiohttp.ClientSession, target: str, connections: int, seconds: float
) -> int:
    until = time.monotonic() + seconds

    async def one_after_another() -> int:
        done = 0
        while time.monotonic() < until:
            async with session.post(target, data=BODY, headers=HEADERS) as answer:
                answer.raise_for_status()
                await answer.read()
            done += 1
        return done

    return sum(await asyncio.gather(*(one_after_another() for _ in range(connections))))


if __name__ == "__main__":
    main()
