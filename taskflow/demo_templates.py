"""The demo's templates: what happens again and again in a shop."""

from datetime import datetime
from typing import Any

from templates_app.models import Calendar
from templates_app.operations.templates import create_template
from tenants.models import Merchant

ZONE = "Europe/Madrid"


def make_demo_templates(*, merchant: Merchant, now: datetime) -> int:
    """Store a calendar and templates that use it; return how many templates there are."""
    closed = Calendar.objects.create(
        merchant=merchant,
        name="Weekends and holidays in Madrid",
        definition={
            "holidays": [{"country": "ES", "region": "MD"}],
            "weekdays": ["sa", "su"],
        },
    )
    templates = _templates(str(closed.id))
    for template in templates:
        create_template(template, merchant=merchant, now=now)
    return len(templates)


def _templates(closed: str) -> list[dict[str, Any]]:
    return [
        {
            "name": "Look for new orders",
            "description": "Every minute, never two at once.",
            **_says("orders since {{ previous_occurrence | default('the beginning') }}"),
            "recurrence": {"kind": "interval", "every": 1, "unit": "minutes", "timezone": ZONE},
            "overlap": "skip",
            "misfire": "skip",
        },
        {
            "name": "Sales report",
            "description": "Each working day; on a holiday nobody reads it.",
            **_says("{{ occurrence | date('%d/%m/%Y') }}"),
            "recurrence": {"kind": "daily", "times": ["09:00"], "timezone": ZONE},
            "avoid": [closed],
        },
        {
            "name": "Nightly stock count",
            "description": "At a time that one night a year does not exist.",
            **_says("stock of {{ occurrence | add(days=-1) | date('%Y-%m-%d') }}"),
            "recurrence": {"kind": "cron", "expression": "30 2 * * *", "timezone": ZONE},
        },
        {
            "name": "Monthly invoices",
            "description": "The last day of the month, or the working day before.",
            **_says("invoices of {{ occurrence | date('%B %Y') }}"),
            "recurrence": {"kind": "monthly", "days": [-1], "times": ["18:00"], "timezone": ZONE},
            "avoid": [closed],
            "on_closed": "previous_business_day",
            "misfire": "run_all",
        },
    ]


def _says(text: str) -> dict[str, Any]:
    return {
        "kind": "python",
        "payload": {"handler": "demo.echo", "arguments": {"about": text}},
        "tags": ["demo"],
    }
