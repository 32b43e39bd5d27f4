"""Ticking by hand what templates become: the expander and the populator."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection

from jobs import populator
from jobs.engine import Engine
from jobs.models import Job, Worker
from templates_app.expander import expand
from templates_app.models import Calendar, Cause, SkippedOccurrence, Template
from templates_app.operations.calendars import edit_calendar
from tests.factories.jobs import make_worker
from tests.factories.templates import EXPANSION

ENGINE = Engine()
Answer = TypeVar("Answer")


def expand_all(now: datetime) -> int:
    """Tick until nothing is due; return how many jobs were made."""
    made = 0
    for _ in range(1000):
        step = expand(now, EXPANSION)
        made += step.jobs
        if not step.more:
            return made
    raise AssertionError("The expander never finishes.")


def expand_until_calm(now: datetime) -> None:
    """Tick as beat does, at one instant, until no template is due then."""
    for _ in range(200):
        expand_all(now)
        if not Template.objects.filter(next_expansion_at__lte=now).exists():
            return
    raise AssertionError("A template is due again and again.")


def change_calendar(template: Template, definition: dict[str, Any], now: datetime) -> None:
    """Change the only calendar of the template's merchant, and let the expander follow."""
    calendar = Calendar.objects.get(merchant=template.merchant)
    edit_calendar(calendar, {"definition": definition}, now=now)
    expand_until_calm(now)


def work_off(now: datetime) -> list[tuple[datetime, str]]:
    """Let the populator queue all that is due, and a worker succeed with it; return what ran.

    Each is the occurrence's nominal moment and its note, in the order of the moments.
    """
    if not Worker.objects.update(heartbeat_at=now):
        make_worker(heartbeat_at=now, capacity=10_000)
    ran: list[tuple[datetime, str]] = []
    for _ in range(1000):
        step = populator.populate(now, ENGINE)
        queued = Job.objects.filter(status="queued").order_by("occurrence_at", "id")
        ran += [(job.occurrence_at, job.occurrence_note) for job in queued if job.occurrence_at]
        queued.update(status="succeeded", attempt=1, started_at=now, finalized_at=now, ticket=None)
        if not (step.queued or step.more):
            return ran
    raise AssertionError("The populator never finishes.")


def moments_run(now: datetime) -> list[datetime]:
    """Work off what is due; return the nominal moments only."""
    return [at for at, _ in work_off(now)]


def live(start: datetime, end: datetime) -> list[datetime]:
    """Let expander and populator do all they have to do from `start` to `end`, at the exact moments.

    Return the nominal moments of what ran.
    """
    ran = []
    now: datetime | None = start
    while now is not None and now <= end:
        expand_until_calm(now)
        ran += moments_run(now)
        now = _next_moment(now)
    return ran


def _next_moment(now: datetime) -> datetime | None:
    expansion = Template.objects.filter(next_expansion_at__gt=now).order_by("next_expansion_at")
    job = Job.objects.filter(status="scheduled", scheduled_at__gt=now).order_by("scheduled_at")
    moments = [
        expansion.values_list("next_expansion_at", flat=True).first(),
        job.values_list("scheduled_at", flat=True).first(),
    ]
    return min((at for at in moments if at is not None), default=None)


def planned(template: Template) -> list[datetime]:
    """Return when the template's jobs are planned, in order."""
    jobs = Job.objects.filter(template_id=template.id).order_by("run_at")
    return list(jobs.values_list("run_at", flat=True))


def nominal(template: Template) -> list[datetime]:
    """Return the moments whose jobs exist, in order."""
    jobs = Job.objects.filter(template_id=template.id).order_by("occurrence_at")
    return [at for at in jobs.values_list("occurrence_at", flat=True) if at is not None]


def skipped(template: Template, cause: str | None = None) -> list[tuple[datetime, datetime, int]]:
    """Return the rows of what did not run, of all causes or of one: first, last, how many."""
    rows = SkippedOccurrence.objects.filter(template=template)
    if cause is not None:
        assert cause in Cause.values
        rows = rows.filter(cause=cause)
    return list(rows.order_by("first_at").values_list("first_at", "last_at", "occurrences"))


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Collect the statements that this session sends."""
    sent: list[str] = []

    def note(execute: Callable[..., Answer], sql: str, *rest: Any) -> Answer:
        sent.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield sent
