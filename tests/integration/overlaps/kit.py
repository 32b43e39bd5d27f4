"""What tests of overlaps share: occurrences of one template, and steps of the populator."""

from typing import Any

from jobs import lifecycle
from jobs.engine import Engine
from jobs.models import Job
from jobs.outcomes import Ending, Result
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job

ENGINE = Engine()
HOUR = 3600 * SECOND
GOING: dict[str, dict[str, Any]] = {
    "queued": {"status": "queued"},
    "running": {"status": "running"},
    "between attempts": {"status": "retryable", "scheduled_at": NOW + HOUR},
    "handed back": {"status": "scheduled", "attempt": 1},
    "due and not queued yet": {"status": "scheduled"},
}


def occurrence(template, number=0, **overrides):
    values = {"template_id": template, "occurrence_at": NOW + number * SECOND, "origin": "template"}
    return make_job(**{**values, **overrides})


def settle(now=NOW, limit=100):
    return lifecycle.settle_overlaps(now=now, limit=limit)


def queue(now=NOW):
    settle(now)
    return [job.job_id for job in lifecycle.queue_due(lane="async", now=now, limit=100, lease=60)]


def stood(*jobs):
    return [Job.objects.get(id=job.id).status for job in jobs]


def end(job, status="succeeded"):
    """End an attempt of a job, whatever it was doing."""
    Job.objects.filter(id=job.id).update(
        status="running", ticket=1, worker_id=new_id(), started_at=NOW, deadline_at=NOW + HOUR
    )
    result = Ending(job_id=job.id, ticket=1, outcome=Result(status), status=status)
    return lifecycle.finish([result])
