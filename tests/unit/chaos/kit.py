"""Hand-made witnesses: one job of one producer that went well, to be broken by each test."""

from tests.chaos.client_log import Asked, ClientLog
from tests.chaos.ledger import Call
from tests.chaos.witnesses import StoredAttempt, StoredJob, Transition, Witnesses

JOB, OTHER = "job-1", "job-2"


def asked(name="m0-1", job=JOB, **changes):
    fields = {"merchant": "m0", "kind": "http", "sent_at": 100.0, "acknowledged_at": 100.1}
    return Asked(name=name, job=job, **{**fields, **changes})


def stored(job=JOB, **changes):
    fields = {
        "name": "m0-1",
        "merchant": "m0",
        "status": "succeeded",
        "attempt": 1,
        "run_at": 100.0,
        "finalized_at": 102.0,
    }
    return StoredJob(job=job, **{**fields, **changes})


def attempt(number=1, job=JOB, **changes):
    begin = 100.0 + number
    fields = {
        "merchant": "m0",
        "outcome": "succeeded",
        "scheduled_at": begin - 0.5,
        "started_at": begin,
        "finished_at": begin + 0.5,
        "worker": "worker-1",
        "told": number,
    }
    return StoredAttempt(job=job, number=number, **{**fields, **changes})


def call(number=1, job=JOB, **changes):
    begin = 100.0 + number
    fields = {"key": job, "merchant": "m0", "began": begin + 0.1, "ended": begin + 0.2}
    return Call(job=job, attempt=number, **{"status": 200, **fields, **changes})


def ended(job=JOB, became="succeeded", at=102.0, was="running"):
    return Transition(job=job, was=was, became=became, at=at)


def witnesses(**changes):
    """What all three say of one job that succeeded at once; `changes` replace whole lists."""
    fields = {
        "jobs": [stored()],
        "attempts": [attempt()],
        "calls": [call()],
        "transitions": [ended()],
        "client": client(asked()),
        "worker_pids": {"worker-1": 4711},
    }
    return Witnesses(**{**fields, **changes})


def client(*jobs, **changes):
    return ClientLog(asked={one.name: one for one in jobs}, **changes)
