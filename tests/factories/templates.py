"""Templates, calendars and windows as the operations make them: no illegal row can be built."""

from datetime import UTC, datetime, timedelta
from typing import Any

from templates_app.expansion import Expansion
from templates_app.models import Calendar, MaintenanceWindow, Template
from templates_app.operations.templates import create_template
from tenants.models import Merchant
from tests.factories.jobs import make_merchant

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)  # a Monday
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EXPANSION = Expansion()
HOURLY = {"kind": "cron", "expression": "0 * * * *", "timezone": "UTC"}
NOOP = {"kind": "python", "payload": {"handler": "demo.noop"}}
WEEKEND = {"weekdays": ["sa", "su"]}


def june(day: int, hour: int = 9, minute: int = 0) -> datetime:
    """Return a moment of June 2026; the 1st is a Monday."""
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


def every(number: int, unit: str = "minutes") -> dict[str, Any]:
    """Return a recurrence of elapsed time, in phase with the full hour."""
    anchor = "2026-01-01T00:00:00+00:00"
    return {"kind": "interval", "every": number, "unit": unit, "anchor": anchor, "timezone": "UTC"}


def cron(expression: str, timezone: str = "UTC") -> dict[str, Any]:
    """Return a cron recurrence."""
    return {"kind": "cron", "expression": expression, "timezone": timezone}


def make_template(
    *, merchant: Merchant | None = None, now: datetime = NOW, **fields: Any
) -> Template:
    """Return a stored template with its first jobs, hourly unless said otherwise."""
    body = {"name": "Report", "recurrence": HOURLY, **NOOP, **fields}
    return create_template(body, merchant=merchant or make_merchant(), now=now)


def make_avoiding_template(definition: dict[str, Any] = WEEKEND, **fields: Any) -> Template:
    """Return a stored template that avoids the only calendar of a merchant of its own."""
    merchant = make_merchant()
    calendar = make_calendar(merchant=merchant, definition=definition)
    return make_template(merchant=merchant, avoid=[str(calendar.id)], **fields)


def make_calendar(*, merchant: Merchant | None, **fields: Any) -> Calendar:
    """Return a stored calendar; one without a merchant is the platform's."""
    values = {"name": "Closed days", "definition": WEEKEND, **fields}
    return Calendar.objects.create(merchant=merchant, **values)


def make_window(
    *, starts_at: datetime, ends_at: datetime, merchant: Merchant | None = None, **fields: Any
) -> MaintenanceWindow:
    """Return a stored one-off window that holds; without a merchant it is the platform's."""
    values = {"name": "Move", "mode": "hold", "starts_at": starts_at, "ends_at": ends_at, **fields}
    return MaintenanceWindow.objects.create(merchant=merchant, **values)
