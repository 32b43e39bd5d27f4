"""A receiver on loopback that verifies by the specification alone, and a worker by hand."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from alerts.models import WebhookEndpoint
from alerts.webhooks.addressee import addressee_of
from alerts.webhooks.fan_out import FannedOut, fan_out
from alerts.webhooks.sending import WebhookRunner
from jobs import lifecycle
from jobs.engine import Engine
from jobs.handlers.context import AttemptContext
from jobs.models import Job
from jobs.outcomes import Attempt, Outcome, Result
from jobs.rows import Ended
from jobs.verdict import verdict
from tenants.clock import database_now
from tests.factories.jobs import make_worker
from tests.handlers_kit import loopback_engine, serving

ENGINE = Engine()


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


def is_signed_by(received: Received, secret: str) -> bool:
    """Verify as Standard Webhooks 1.0 says, with nothing of the platform's."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = received.headers["webhook-timestamp"]
    signed = b".".join([received.id.encode(), stamp.encode(), received.body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = received.headers["webhook-signature"].split(" ")
    return any(hmac.compare_digest(one, f"v1,{expected}") for one in given)


class Receiver:
    """Answers every request by `answer`, 204 unless told, and keeps what came."""

    def __init__(self, answer: Callable[[Received], int] = lambda received: 204) -> None:
        self.answer = answer
        self.received: list[Received] = []

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        one = Received(request.path, headers, await request.read())
        self.received.append(one)
        return web.Response(status=self.answer(one), text="noted")

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        return app

    @property
    def types(self) -> list[str]:
        return [one.event["type"] for one in self.received]


def end_jobs(*jobs: Job, result: Result = Result.SUCCEEDED, **outcome: Any) -> list[Ended]:
    """Queue, claim and end these jobs as populator and worker would, in one group."""
    attempts = claim(*jobs)
    return lifecycle.finish(
        [verdict(one, Outcome(result=result, **outcome), poison_losses=3) for one in attempts]
    )


def claim(*jobs: Job) -> list[Attempt]:
    """Queue due jobs and claim these."""
    now = database_now()
    while lifecycle.grant_places(now=now, limit=1000).more:
        pass
    lifecycle.queue_due(lane="async", now=now, limit=1000, lease=60)
    found = Job.objects.filter(pk__in=[job.pk for job in jobs], ticket__isnull=False)
    return lifecycle.claim(
        tickets=[(job.pk, job.ticket) for job in found if job.ticket is not None],
        worker_id=make_worker(lane="nowhere").pk,
        engine=ENGINE,
    )


def hand_on() -> int:
    """Fan out whatever is new; return how many deliveries that made."""
    made = 0
    step = FannedOut()
    while True:
        step = fan_out(database_now(), after=step.after)
        made += step.deliveries
        if not step.more:
            return made


def deliveries_due() -> list[Job]:
    """Return the deliveries that nobody has ended, in the order in which they were made."""
    return list(Job.objects.filter(kind="webhook", finalized_at=None).order_by("id"))


def send(receiver: Receiver, attempts: Sequence[Attempt]) -> list[Outcome]:
    """Run attempts one after another against the receiver, with their endpoints as they stand."""
    endpoints = {str(row.pk): row for row in WebhookEndpoint.objects.select_related("merchant")}
    now = database_now()

    async def scenario() -> list[Outcome]:
        async with serving(receiver.app()) as base:

            def load(endpoint_id: Any) -> Any:
                row = endpoints.get(str(endpoint_id))
                if row is None:
                    return None
                found = addressee_of(row, now)
                path = row.url.split("/", 3)[3]
                return type(found)(url=f"{base}/{path}", open=found.open, signers=found.signers)

            runner = WebhookRunner(load=load)
            try:
                return [await runner.run(one, AttemptContext(one)) for one in attempts]
            finally:
                await runner.close()

    return asyncio.run(scenario())


def work(receiver: Receiver, *, rounds: int = 20) -> list[Ended]:
    """Be populator and worker of the deliveries that are due, until none is; return how they ended."""
    ended: list[Ended] = []
    for _ in range(rounds):
        attempts = claim(*deliveries_due())
        if not attempts:
            return ended
        outcomes = send(receiver, attempts)
        ended += lifecycle.finish(
            [verdict(a, o, poison_losses=3) for a, o in zip(attempts, outcomes, strict=True)]
        )
    raise AssertionError("deliveries do not come to an end")


def make_due() -> None:
    """Have every delivery that waits for its next attempt be due."""
    Job.objects.filter(kind="webhook", status="retryable").update(scheduled_at=database_now())


__all__ = ["loopback_engine"]
