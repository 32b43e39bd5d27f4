"""Hosts that are down: jobs that call HOST, the populator's steps, and workers whom it answers or not."""

from datetime import timedelta

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.models import Breaker, Job
from jobs.outcomes import Call, Ending, Result
from jobs.waiting_reason import waiting_reason
from tenants.clock import database_now
from tests.factories.jobs import make_job, make_worker

ENGINE = Engine()
FAILURES = ENGINE.breaker_failures
HOST = "down.example"


def http_jobs(number, merchant, handler=HOST, **fields):
    payload = {"url": f"https://{handler}/"}
    now = database_now()
    return [
        make_job(
            merchant=merchant,
            kind="http",
            handler=handler,
            payload=payload,
            scheduled_at=now,
            **fields,
        )
        for _ in range(number)
    ]


def step(later=0.0):
    """Let the populator do all that is to be done now, or some seconds later."""
    now = database_now() + timedelta(seconds=later)
    make_worker(heartbeat_at=now, run_times={f"http:{HOST}": 0.001})
    while populator.populate(now, ENGINE).more:
        pass


def give_up(pause=0.0):
    """Let what is queued fail and wait in line; the first of it may try HOST after so many seconds."""
    step()
    attempt(answered=False)
    step(2)
    Breaker.objects.update(probe_at=database_now() + timedelta(seconds=pause))


def reason_of(job):
    """Return why a job waits."""
    return waiting_reason(job, now=database_now()) or ""


def attempt(*, answered, code="connection_refused", most=1_000, engine=ENGINE):
    """Run the queued jobs of HOST once, as a worker does."""
    worker = make_worker(lane="nowhere")
    queued = Job.objects.filter(status="queued", handler=HOST).order_by("id")[:most]
    tickets = [(job.pk, job.ticket) for job in queued if job.ticket is not None]
    attempts = lifecycle.claim(tickets=tickets, worker_id=worker.pk, engine=ENGINE)
    endings = [
        Ending(
            job_id=one.job_id,
            ticket=one.ticket,
            outcome=Result.SUCCEEDED if answered else Result.FAILED,
            status="succeeded"
            if answered
            else "failed"
            if one.round >= one.max_attempts
            else "retryable",
            code="" if answered else code,
            call=Call(
                merchant_id=one.merchant_id,
                handler=HOST,
                answered=answered,
                code=code,
                began_at=one.started_at,
            ),
        )
        for one in attempts
    ]
    heeded = lifecycle.heed_breakers(endings, engine)
    lifecycle.finish(heeded.endings)
    return len(attempts), heeded.recovered


def call_of(merchant, *, answered, began_at, timeout=0.0):
    return Call(
        merchant_id=merchant.pk,
        handler=HOST,
        answered=answered,
        code="" if answered else "timeout",
        began_at=began_at,
        timeout=timeout,
    )
