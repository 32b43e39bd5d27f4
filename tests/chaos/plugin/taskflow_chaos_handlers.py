"""The python jobs of the chaos test: each call is noted in the ledger, before and after the work."""

import asyncio
import os
import time
from functools import cache
from pathlib import Path
from uuid import uuid4

from jobs.handlers.context import AttemptContext
from jobs.handlers.python_functions import handler
from tests.chaos.ledger import BEGAN, ENDED, LedgerFile


class AskedToFail(Exception):
    """What the job was created for."""


@handler("chaos.async")
async def on_the_loop(
    context: AttemptContext, merchant: str, fail: int = 0, ms: int = 0
) -> dict[str, int]:
    """Work in the async lane."""
    call = _begin(context, merchant)
    await asyncio.sleep(ms / 1000)
    return _end(call, context, fail)


@handler("chaos.process", lane="process")
def in_a_process(
    context: AttemptContext, merchant: str, fail: int = 0, ms: int = 0
) -> dict[str, int]:
    """Work in the process lane."""
    call = _begin(context, merchant)
    time.sleep(ms / 1000)
    return _end(call, context, fail)


@cache
def _ledger() -> LedgerFile:
    return LedgerFile(Path(os.environ["CHAOS_LEDGER"]))


def _begin(context: AttemptContext, merchant: str) -> str:
    call, job = uuid4().hex, str(context.job_id)
    _ledger().write(BEGAN, call=call, job=job, attempt=context.attempt, key=job, merchant=merchant)
    return call


def _end(call: str, context: AttemptContext, fail: int) -> dict[str, int]:
    status = 503 if context.attempt <= fail else 200
    _ledger().write(ENDED, call=call, status=status)
    if status != 200:
        raise AskedToFail(f"fails its first {fail} attempts")
    return {"attempt": context.attempt}
