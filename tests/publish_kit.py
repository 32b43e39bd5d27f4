"""What the tests of the kind `publish` share: destinations, attempts, a runner."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from jobs.handlers.context import AttemptContext
from jobs.handlers.publish.destinations import Destination, Target
from jobs.handlers.publish.kind import PublishRunner
from jobs.outcomes import Attempt, Outcome, Result
from tests.handlers_kit import PATIENCE, make_attempt


def destination(url: str, target: Target, **changes: Any) -> Destination:
    """Return a destination called `there`."""
    return Destination(**{"name": "there", "url": url, "target": target, **changes})


def publish_attempt(payload: dict[str, Any], **changes: Any) -> Attempt:
    """Return an attempt of a publish job to `there`."""
    return make_attempt({"destination": "there", **payload}, kind="publish", **changes)


@asynccontextmanager
async def publish_runner() -> AsyncIterator[PublishRunner]:
    """Give a runner whose connections are closed at the end."""
    runner = PublishRunner()
    try:
        yield runner
    finally:
        await runner.close()


async def run_publish(runner: PublishRunner, attempt: Attempt) -> Outcome:
    """Run one attempt, with patience for no longer than a test may take."""
    async with asyncio.timeout(PATIENCE):
        return await runner.run(attempt, AttemptContext(attempt))


def failure(outcome: Outcome) -> tuple[Result, str, str]:
    """Return how the attempt ended, its code and its reach."""
    assert outcome.failure is not None
    return outcome.result, outcome.failure.code, outcome.failure.detail


def published(attempt: Attempt) -> Outcome:
    """Run one attempt on a loop of its own."""

    async def alone() -> Outcome:
        async with publish_runner() as runner:
            return await run_publish(runner, attempt)

    return asyncio.run(alone())
