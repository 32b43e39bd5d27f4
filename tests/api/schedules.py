"""What tests of templates, calendars and windows share: the shortest valid bodies.

The API reads PostgreSQL's clock. What a test plans lies so far ahead that it is not due before the
test ends, whenever it runs: a fixed time of day would be due now and then.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.models import Job
from tenants.clock import database_now

DAILY = {"kind": "daily", "times": ["09:00"], "timezone": "UTC"}
HOURLY = {"kind": "cron", "expression": "0 * * * *", "timezone": "UTC"}
WEEKEND = {"weekdays": ["sa", "su"]}
ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n"
    "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:{day}\r\nSUMMARY:Fête\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)


def ahead(**distance: int) -> datetime:
    """Return the full minute at about this distance from now, as timedelta() takes it; UTC."""
    moment = database_now() + timedelta(**distance)
    return moment.replace(second=0, microsecond=0)


def hourly(moment: datetime | None = None) -> dict[str, Any]:
    """Return a recurrence of every hour at the minute of `moment`, half an hour ahead if not told."""
    at_minute = (moment or ahead(minutes=30)).minute
    return {"kind": "cron", "expression": f"{at_minute} * * * *", "timezone": "UTC"}


def daily(moment: datetime | None = None) -> dict[str, Any]:
    """Return a recurrence of every day at the time of `moment`, half a day ahead if not told."""
    return {**DAILY, "times": [f"{moment or ahead(hours=12):%H:%M}"]}


def template_body(**fields: Any) -> dict[str, Any]:
    """Return the body of a template that does nothing every hour, next in half an hour."""
    return {
        "name": "Report",
        "kind": "python",
        "payload": {"handler": "demo.noop"},
        "recurrence": hourly(),
        **fields,
    }


def created(answer: Any) -> dict[str, Any]:
    """Return what was created, after checking that it was."""
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def make(api: Any, **fields: Any) -> dict[str, Any]:
    """Create a template by the API."""
    return created(api.send("/templates", template_body(**fields)))


def jobs_of(template: dict[str, Any]) -> list[Job]:
    """Return a template's jobs by the time they run."""
    return list(Job.objects.filter(template_id=template["id"]).order_by("run_at", "id"))


def full_hour(moment: datetime) -> datetime:
    """Return the next full hour after a moment."""
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def at(text: str) -> datetime:
    """Return the moment that an answer tells."""
    return datetime.fromisoformat(text).astimezone(UTC)


def ics_of(days_ahead: int = 30) -> str:
    """Return an iCalendar file with one whole day."""
    return ICS.format(day=f"{database_now() + timedelta(days=days_ahead):%Y%m%d}")


def window_body(
    start: datetime | None = None, end: datetime | None = None, **fields: Any
) -> dict[str, Any]:
    """Return the body of a window around the next run of a template that was made just now."""
    run = ahead(minutes=30)
    times = {
        "starts_at": (start or run - timedelta(minutes=5)).isoformat(),
        "ends_at": (end or run + timedelta(minutes=10)).isoformat(),
    }
    return {"name": "Move", **({} if "recurrence" in fields else times), **fields}
