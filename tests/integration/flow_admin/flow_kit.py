"""What the tests of the pages of flow rules share."""

from django.urls import reverse

from jobs.models import Flow
from jobs.states import Gate
from tests.factories.jobs import NOW, make_job

VERBS = ("pause", "resume", "remove")


def add_url():
    return reverse("admin:jobs_flow_add")


def everything():
    return list(Flow.objects.order_by("pk").values())


def park(rule, merchant, number, **fields):
    """Store so many jobs that wait in the rule's line."""
    rows = [
        make_job(merchant=merchant, gate=Gate.PARKED, parked_by=rule.pk, parked_rank=NOW, **fields)
        for _ in range(number)
    ]
    return rows[0] if rows else None
