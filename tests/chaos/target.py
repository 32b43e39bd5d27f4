"""The target of HTTP jobs: writes each call into the ledger, then answers as the URL asks.

`python -m tests.chaos.target PORT LEDGER`. POST /call/MERCHANT?fail=N&ms=M answers after M milliseconds:
503 to the first N attempts of a job, else 200 with the attempt's number.
"""

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

from aiohttp import web

from tests.chaos.ledger import BEGAN, ENDED, LedgerFile

HOST = "127.0.0.1"


class Target:
    """Handlers that share the ledger."""

    def __init__(self, ledger: LedgerFile) -> None:
        self._ledger = ledger

    async def call(self, request: web.Request) -> web.Response:
        """Note the call, wait, note the answer, answer."""
        headers, call = request.headers, uuid4().hex
        attempt = int(headers.get("X-TaskFlow-Attempt", "0"))
        self._ledger.write(
            BEGAN,
            call=call,
            job=headers.get("X-TaskFlow-Job", ""),
            attempt=attempt,
            key=headers.get("Idempotency-Key", ""),
            merchant=request.match_info["merchant"],
        )
        await asyncio.sleep(int(request.query.get("ms", "0")) / 1000)
        status = 503 if attempt <= int(request.query.get("fail", "0")) else 200
        self._ledger.write(ENDED, call=call, status=status)
        return web.json_response({"attempt": attempt}, status=status)


def main() -> None:
    """Serve until the process is ended."""
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    app = web.Application()
    app.router.add_post("/call/{merchant}", Target(LedgerFile(path)).call)
    web.run_app(app, host=HOST, port=port, print=None, access_log=None, handle_signals=True)


if __name__ == "__main__":
    main()
