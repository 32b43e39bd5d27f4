"""What races of templates with their surroundings share: the two sessions, and what they change."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from templates_app.models import Calendar, Template
from templates_app.operations.calendars import edit_calendar
from templates_app.operations.templates import create_template
from tests.factories.templates import DAY, HOUR, NOOP, NOW, SECOND, cron
from tests.integration.sessions import OtherSession, wait_until_it_waits_or_ends

AT_NINE = cron("0 9 * * *")
NINE = NOW - 3 * HOUR + DAY
SOON = NOW + HOUR - 30 * SECOND
ONE = NOW + HOUR


def body(**fields: Any) -> dict[str, Any]:
    return {"name": "Report", "recurrence": AT_NINE, **NOOP, **fields}


def skip_window(start: datetime, end: datetime, **fields: Any) -> dict[str, Any]:
    times = {"starts_at": start.isoformat(), "ends_at": end.isoformat()}
    return {"name": "Move", "mode": "skip", **times, **fields}


def create_avoiding(calendar: Calendar) -> Template:
    """Create a template of the calendar's merchant that avoids it."""
    shop = calendar.merchant
    assert shop is not None
    return create_template(body(avoid=[str(calendar.pk)]), merchant=shop, now=NOW)


def close_tomorrow(calendar: Calendar, now: datetime = NOW) -> Calendar:
    return edit_calendar(calendar, {"definition": {"dates": [f"{NINE:%Y-%m-%d}"]}}, now=now)


def as_far_as_it_gets(theirs: Callable[[], Any]) -> OtherSession:
    """Carry out theirs in the other session until it waits for this one, or ends."""
    other = OtherSession(theirs)
    wait_until_it_waits_or_ends(other)
    return other


def meanwhile(mine: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[Any, OtherSession]:
    """Carry out mine; before it is committed the other session gets as far as it can with theirs."""
    with transaction.atomic():
        answer = mine()
        other = as_far_as_it_gets(theirs)
    return answer, other
