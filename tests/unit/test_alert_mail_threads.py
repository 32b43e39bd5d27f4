"""A mail server that hangs takes threads of its own only."""

import asyncio
import threading
from datetime import UTC, datetime
from uuid import UUID

from alerts.channels import email
from alerts.sending import kind
from alerts.sending.kind import AlertRunner, Loaded
from jobs.handlers.context import AttemptContext
from jobs.outcomes import Attempt, Outcome, Result

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MAILS = 60  # more than a loop's own pool has threads


def attempt(number):
    return Attempt(
        job_id=UUID(int=number),
        ticket=1,
        merchant_id=UUID(int=1),
        kind="alert",
        handler="email",
        name="",
        payload={"delivery": str(UUID(int=number))},
        number=1,
        round=1,
        max_attempts=10,
        timeout=30.0,
        backoff=None,
        scheduled_at=AT,
        started_at=AT,
    )


def test_while_mails_hang_others_find_a_thread(monkeypatch):
    answered = threading.Event()
    hangs = threading.Semaphore(0)

    def send(parcel, alerting):
        hangs.release()
        assert answered.wait(30)
        return Outcome(result=Result.SUCCEEDED)

    mail = Loaded(channel_kind="email", enabled=True, created_at=AT, message={}, settings={})
    monkeypatch.setattr(kind, "load", lambda delivery_id: mail)
    monkeypatch.setattr(email, "send", send)

    async def scenario():
        runner = AlertRunner()
        attempts = [attempt(number) for number in range(1, MAILS + 1)]
        mails = [asyncio.create_task(runner.run(one, AttemptContext(one))) for one in attempts]
        try:
            for _ in range(kind.MAILS_AT_ONCE):
                assert await asyncio.to_thread(hangs.acquire, timeout=20)
            assert await asyncio.wait_for(asyncio.to_thread(lambda: "found"), 20) == "found"
        finally:
            answered.set()
        return await asyncio.gather(*mails)

    outcomes = asyncio.run(scenario())
    assert {one.result for one in outcomes} == {Result.SUCCEEDED}
