"""What the views of templates, calendars and windows share."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter

from jobs.api.base import TaskFlowViewSet
from jobs.models import Job
from jobs.states import FINAL
from templates_app.models import Calendar, MaintenanceWindow, Template

Row = TypeVar("Row", Calendar, MaintenanceWindow)

CHANGEABLE = [*TaskFlowViewSet.http_method_names, "delete"]
MOST_NEXT_RUNS = 10


class PlatformOwned(Exception):
    """The row is the platform's: it may be used, and not changed."""

    code = "platform_owned"


def own(row: Row) -> Row:
    """Return the merchant's own row. Raises PlatformOwned."""
    if row.merchant_id is None:
        raise PlatformOwned(
            "This is the platform's: it can be used and not changed. Make one of your own."
        )
    return row


def calendar_names(templates: Iterable[Template]) -> dict[UUID, str]:
    """Return the names of all calendars that these templates use, in one statement."""
    ids = {one for template in templates for one in (*template.avoid, *template.keep_to)}
    if not ids:
        return {}
    return dict(Calendar.objects.filter(id__in=ids).values_list("id", "name"))


def next_runs(template: Template) -> list[Job]:
    """Return the jobs of a template that wait, soonest first: index job_template_unfinished."""
    jobs = Job.objects.of(template.merchant).filter(template_id=template.pk)
    waiting = jobs.exclude(status__in=FINAL).filter(started_at=None)
    return list(waiting.order_by("scheduled_at", "id")[:MOST_NEXT_RUNS])


def count_parameter(most: int) -> OpenApiParameter:
    """Describe `count`."""
    return OpenApiParameter("count", int, description=f"1 to {most:,}; 20 unless given.")
