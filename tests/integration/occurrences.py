"""What tests of occurrences share: new ones, planned and missed jobs, and the rows that they are."""

from jobs import lifecycle
from jobs.models import Job
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job

HOUR = 3600 * SECOND
EVERY_STATUS = (
    "blocked",
    "scheduled",
    "queued",
    "running",
    "retryable",
    "succeeded",
    "failed",
    "cancelled",
    "skipped",
)


def planned(template, number=0, **overrides):
    values = {"template_id": template, "occurrence_at": NOW + number * SECOND, "origin": "template"}
    return make_job(**{**values, **overrides})


def missed(**overrides):
    values = {"missed_at": NOW, "scheduled_at": NOW - HOUR}
    return planned(overrides.pop("template_id", new_id()), **{**values, **overrides})


def rows_of(*jobs):
    return list(Job.objects.filter(id__in=[job.id for job in jobs]).order_by("id").values())


def found(now=NOW, limit=100):
    return [row.job_id for row in lifecycle.find_missed(now=now, limit=limit)]


def queue(now=NOW):
    return {job.job_id for job in lifecycle.queue_due(lane="async", now=now, limit=100, lease=60)}
