"""Jobs with a concurrency key, and what a populator and a worker do with them."""

from jobs import lifecycle, populator
from jobs.engine import Engine
from jobs.models import Job
from jobs.outcomes import Ending, Result
from tests.factories.jobs import NOW, make_job, make_worker

ENGINE = Engine()


def keyed(merchant, limit=1, key="customer-17", **fields):
    return make_job(merchant=merchant, concurrency_key=key, concurrency_limit=limit, **fields)


def settle(now=NOW):
    """Step until nothing more is to be done now."""
    while populator.populate(now, ENGINE).more:
        pass


def queued(**filters):
    return list(Job.objects.filter(status="queued", **filters).order_by("scheduled_at", "id"))


def names(**filters):
    return [job.name for job in queued(**filters)]


def start(*jobs):
    found = Job.objects.filter(pk__in=[job.pk for job in jobs])
    tickets = [(job.pk, job.ticket) for job in found if job.ticket is not None]
    attempts = lifecycle.claim(
        tickets=tickets, worker_id=make_worker(lane="nowhere").pk, engine=ENGINE
    )
    assert len(attempts) == len(jobs)
    return attempts


def end(*jobs, status="succeeded"):
    """Claim and end these jobs as a worker would."""
    return lifecycle.finish(
        [
            Ending(job_id=one.job_id, ticket=one.ticket, outcome=Result.SUCCEEDED, status=status)
            for one in start(*jobs)
        ]
    )
