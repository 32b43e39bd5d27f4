"""What tests of templates, calendars and windows share: the shortest valid bodies."""

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


def template_body(**fields: Any) -> dict[str, Any]:
    """Return the body of an hourly template that does nothing."""
    return {
        "name": "Report",
        "kind": "python",
        "payload": {"handler": "demo.noop"},
        "recurrence": HOURLY,
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
    """Return the body of a window around the next full hour."""
    hour = full_hour(database_now())
    times = {
        "starts_at": (start or hour - timedelta(minutes=1)).isoformat(),
        "ends_at": (end or hour + timedelta(minutes=10)).isoformat(),
    }
    return {"name": "Move", **({} if "recurrence" in fields else times), **fields}
