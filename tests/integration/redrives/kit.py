"""Dead letters by the thousand, and hands that run jobs as workers would."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from jobs import lifecycle, redriver
from jobs.engine import Engine
from jobs.models import DeadLetter, Job, Redrive
from jobs.operations import redrives
from jobs.outcomes import Attempt, Failure, Outcome, Result
from jobs.verdict import verdict
from tenants.clock import database_now
from tenants.identifiers import new_id
from tenants.models import Merchant
from tests.factories.actors import somebody
from tests.factories.jobs import NOW, make_worker

ENGINE = Engine()
PAYLOAD = {"handler": "demo.noop", "arguments": {}}
HTTP = {"url": "https://shop.example/a", "method": "POST", "json": {"n": 1}}
FINGERPRINT = "ab" * 8
REFUSED = Failure(code="shop_closed", message="The shop is closed.")


def make_letters(merchant: Merchant, count: int, **overrides: Any) -> list[DeadLetter]:
    """Return open dead letters of stored failed jobs, in their order; a few statements in all."""
    values: dict[str, Any] = {
        "kind": "python",
        "handler": "demo.noop",
        "lane": "async",
        "payload": PAYLOAD,
        "run_at": NOW,
        "scheduled_at": NOW,
        "status": "failed",
        "attempt": 1,
        "max_attempts": 1,
        "started_at": NOW,
        "finalized_at": NOW,
        **overrides,
    }
    jobs = [Job(id=new_id(), merchant=merchant, **values) for _ in range(count)]
    Job.objects.bulk_create(jobs, batch_size=1_000)
    letters = [
        DeadLetter(
            id=new_id(),
            job=job,
            merchant=merchant,
            kind=job.kind,
            handler=job.handler,
            error_code="http_500",
            error_message="broken",
            fingerprint=FINGERPRINT,
            attempts=1,
        )
        for job in jobs
    ]
    return DeadLetter.objects.bulk_create(letters, batch_size=1_000)


def begin(merchant: Merchant, *, rate: float = 1_000, **fields: Any) -> Redrive:
    """Return a redrive of all of the merchant's letters with the usual fingerprint."""
    body = {"filter": {"fingerprint": FINGERPRINT}, "rate": rate, **fields}
    return redrives.begin(body, merchant=merchant, now=NOW, by=somebody("ana@example.test"))


class Clock:
    """A time that ticks with every step of the redriver."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def step(self, seconds: float = 2) -> redriver.Redriven:
        """Step the redriver some seconds later."""
        self.now += timedelta(seconds=seconds)
        return redriver.step(self.now)


def succeed(attempt: Attempt) -> Outcome:
    """Every job goes well."""
    return Outcome(result=Result.SUCCEEDED)


def fail(attempt: Attempt) -> Outcome:
    """Every job fails."""
    return Outcome(result=Result.FAILED, failure=REFUSED)


def run_all(ends: Callable[[Attempt], Outcome] = succeed) -> int:
    """Run what is due as workers would, in batches; return how many ended."""
    ended = 0
    worker = make_worker(heartbeat_at=database_now())
    while queued := lifecycle.queue_due(
        lane="async", now=database_now() + timedelta(days=36_500), limit=1_000, lease=60
    ):
        attempts = lifecycle.claim(
            tickets=[(job.job_id, job.ticket) for job in queued],
            worker_id=worker.id,
            engine=ENGINE,
        )
        endings = [verdict(one, ends(one), poison_losses=3) for one in attempts]
        ended += len(lifecycle.finish(endings))
    return ended


def tally_of(redrive: Redrive) -> tuple[str, str, int, int, int, int]:
    """Return state, stage, redriven, succeeded, failed and left."""
    found = Redrive.objects.get(pk=redrive.pk)
    return (
        found.state,
        found.stage,
        found.redriven,
        found.succeeded,
        found.failed,
        found.tally.left,
    )
