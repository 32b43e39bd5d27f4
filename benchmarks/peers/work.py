"""The work itself, the same for every peer."""

import os
import time
from functools import cache
from typing import Any

BODY = b'{"order": 4711, "note": "the same for everybody"}'
HEADERS = {"content-type": "application/json"}
# Connections that a process keeps open; more than any peer has threads.
CONNECTIONS = 64


def post() -> None:
    """POST the body to the target. Raises unless it answers 200."""
    answer = _pool().request("POST", os.environ["BENCH_TARGET"], body=BODY, headers=HEADERS)
    if answer.status != 200:
        raise RuntimeError(f"the target answered {answer.status}")


def stamp(created: float) -> None:
    """Write down one line: when the job was created and when it started, in Unix seconds."""
    line = f"{created!r} {time.time()!r}\n"
    # One write to a file opened for appending: lines of several processes do not mix.
    with open(os.environ["BENCH_STAMPS"], "ab", buffering=0) as file:
        file.write(line.encode())


@cache
def _pool() -> Any:
    # Made at the first request, so after a worker's fork; TaskFlow has no urllib3 and needs none.
    import urllib3

    return urllib3.PoolManager(maxsize=CONNECTIONS, retries=False)
