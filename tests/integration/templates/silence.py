"""What tests of skipped rows share: the rows of a template, and the moments around them."""

from datetime import datetime

from templates_app.models import SkippedOccurrence, Template
from tests.factories.templates import DAY, HOUR, NOW, cron

ONE = NOW + HOUR
DAILY = cron("0 13 * * *")
SUNDAY = NOW + 6 * DAY  # at noon
CLOSED_SUNDAYS = {"weekdays": ["su"]}


def rows(template: Template) -> list[tuple[str, datetime, datetime, int]]:
    found = SkippedOccurrence.objects.filter(template=template).order_by("first_at")
    return [(row.cause, row.first_at, row.last_at, row.occurrences) for row in found]


def reasons(template: Template) -> set[str]:
    found = SkippedOccurrence.objects.filter(template=template)
    return set(found.values_list("reason", flat=True))
