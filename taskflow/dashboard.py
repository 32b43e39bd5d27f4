"""The first page of the admin: what waits, what runs, what failed, and who is there to work.

Every count is bounded: it reads at most MOST rows of an index, however large the tables are.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from jobs import braking, liveness
from jobs.admin import display as show
from jobs.admin.bounded_reads import TookTooLong, reading_for_at_most
from jobs.admin.filters import first_id_at
from jobs.models import DeadLetter, Execution, Job
from jobs.states import WAITING, JobStatus
from taskflow.vitals import pulses
from tenants.clock import database_now

API_DOCS = "/api/docs"
MOST = 10_000
LONGEST_READ = 2.0  # seconds
LATELY = timedelta(hours=24)
FINISHED = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of the page, with the list behind it."""

    title: str
    number: str
    colour: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The live workers of one lane."""

    name: str
    workers: int
    capacity: int
    silent: str  # why its jobs wait although it has workers; a sentence


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the page's figures to unfold's context; called for each look at the index."""
    now = database_now()
    context["figures_now"] = _figures_now(request)
    context["figures_lately"] = _figures_lately(request)
    context["most"] = f"{MOST:,}"
    context["lanes"] = _lanes(now)
    hold = braking.vigil(now).hold
    context["brake"] = braking.in_words(hold) if hold else ""
    context["api_docs_url"] = API_DOCS
    context["flower_url"] = getattr(settings, "FLOWER_URL", "") if _operates(request) else ""
    return context


def _lanes(now: datetime) -> list[Lane]:
    lanes = liveness.live_lanes(now=now, lease=settings.TASKFLOW_ENGINE.worker_lease)
    return [
        Lane(
            name=pulse.lane,
            workers=lanes[pulse.lane].workers if pulse.lane in lanes else 0,
            capacity=lanes[pulse.lane].capacity if pulse.lane in lanes else 0,
            silent=pulse.reason if pulse.lane in lanes else "",
        )
        for pulse in pulses(now)
    ]


def _figures_now(request: HttpRequest) -> list[Figure]:
    jobs = Job.objects.visible_to(request.user)
    active = (*WAITING, JobStatus.QUEUED, JobStatus.RUNNING)
    figures = [_figure(status, _counted(jobs.filter(status=status))) for status in active]
    letters = DeadLetter.objects.visible_to(request.user).open()
    address = f"{reverse('admin:jobs_deadletter_changelist')}?resolution=open"
    open_letters = _counted(letters)
    figures.append(
        Figure(
            title="Open dead letters",
            number=open_letters,
            colour="default" if open_letters == "0" else "danger",
            address=address,
        )
    )
    return figures


def _figures_lately(request: HttpRequest) -> list[Figure]:
    """Count how the newest attempts of the last day ended."""
    since = first_id_at(database_now() - LATELY)
    executions = Execution.objects.visible_to(request.user).filter(id__gte=since)
    newest = executions.order_by("-id").values("id")[:MOST]
    ended = Execution.objects.filter(id__gte=since, id__in=newest).order_by()
    counts = ended.values_list("outcome").annotate(Count("id")).order_by("outcome")
    try:
        with reading_for_at_most(LONGEST_READ):
            rows = list(counts)
    except TookTooLong:
        rows = []
    list_address = reverse("admin:jobs_execution_changelist")
    return [
        Figure(
            title=outcome.replace("_", " ").capitalize(),
            number=f"{number:,}",
            colour=show.OUTCOME_COLOURS.get(outcome, "default"),
            address=f"{list_address}?{urlencode({'outcome': outcome})}",
        )
        for outcome, number in rows
    ]


def _figure(status: JobStatus, number: str) -> Figure:
    return Figure(
        title=status.value.capitalize(),
        number=number,
        colour=show.STATUS_COLOURS[status],
        address=f"{reverse('admin:jobs_job_changelist')}?{urlencode({'status': status.value})}",
    )


def _counted(queryset: QuerySet[Any]) -> str:
    """Return how many rows there are, "10,000+" beyond MOST, "?" when that took too long."""
    try:
        with reading_for_at_most(LONGEST_READ):
            found = queryset.order_by().values("pk")[: MOST + 1].count()
    except TookTooLong:
        return "?"
    return f"{MOST:,}+" if found > MOST else f"{found:,}"


def _operates(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
