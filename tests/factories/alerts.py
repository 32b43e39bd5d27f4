"""Channels, policies and rules as the operations would store them; dead letters in numbers."""

from typing import Any

from django.db import connection

from alerts.channels import WAYS, sealed
from alerts.models import Channel, Delivery, EscalationPolicy, Incident, Rule
from tenants.identifiers import new_id
from tenants.models import Merchant
from tests.factories.jobs import NOW

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="


def make_channel(
    *, merchant: Merchant | None, kind: str = "email", settings: Any = None, **fields: Any
) -> Channel:
    """Return a stored channel; by e-mail to the team unless said otherwise."""
    settings = settings or {"addresses": ["team@shop.example"]}
    channel = Channel(merchant=merchant, kind=kind, **{"name": f"{kind} channel", **fields})
    channel.shown = WAYS[kind].shown(settings)
    channel.sealed_settings = sealed(channel, settings)
    channel.save()
    return channel


def make_policy(*steps: tuple[int, list[Channel]], merchant: Merchant | None, **fields: Any):
    """Return a stored policy of (minutes, channels)."""
    stored = [
        {"after": after, "channels": [str(channel.pk) for channel in channels]}
        for after, channels in steps
    ]
    return EscalationPolicy.objects.create(
        merchant=merchant, steps=stored, **{"name": "Team first", **fields}
    )


def make_rule(*, merchant: Merchant | None, kind: str = "job_failed", **fields: Any) -> Rule:
    """Return a stored rule."""
    return Rule.objects.create(merchant=merchant, kind=kind, **{"name": f"Our {kind}", **fields})


def make_incident(rule: Rule, **fields: Any) -> Incident:
    """Return a stored open incident of the rule, seen at NOW."""
    values: dict[str, Any] = {
        "merchant": rule.merchant,
        "severity": rule.severity,
        "subject_key": "handler:http:target.example",
        "subject": "jobs of http target.example",
        "count": 1,
        "first_seen": NOW,
        "last_seen": NOW,
        "escalates_from": NOW,
    }
    return Incident.objects.create(rule=rule, **{**values, **fields})


def make_delivery(channel: Channel, incident: Incident, **fields: Any) -> Delivery:
    """Return a stored message about an incident, with no job behind it."""
    values: dict[str, Any] = {
        "event": "opened",
        "incidents": [incident.pk],
        "message": {
            "title": incident.subject,
            "facts": [f"{incident.subject}: seen once."],
            "rule": incident.rule.name,
            "owner": str(incident.merchant),
            "link": "/admin/alerts/incident/",
        },
        "job_id": new_id(),
        "state": "sent",
    }
    return Delivery.objects.create(
        channel=channel, merchant=channel.merchant, **{**values, **fields}
    )


def fail_many(template: Any, number: int, *, message: str = "The target answered 500.") -> None:
    """Store so many failed jobs of a template with their dead letters, in two statements."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH job AS (
                INSERT INTO jobs_job (
                    id, merchant_id, template_id, occurrence_at, kind, handler, lane, name, tags,
                    metadata, payload, priority, max_attempts, timeout, run_at, scheduled_at, status,
                    attempt, earlier_attempts, lost_count, progress_note, finalized_at, created_at)
                SELECT uuidv7(), %s, %s, now() - make_interval(secs => n) - interval '1 day', 'python',
                       'demo.noop', 'async', '', '{}', '{}', '{}', 5, 1, 60,
                       now() - interval '1 second', now() - interval '1 second', 'failed',
                       1, 0, 0, '', clock_timestamp(), now()
                  FROM generate_series(1, %s) AS n
                RETURNING id, merchant_id)
            INSERT INTO jobs_deadletter (
                job_id, merchant_id, kind, handler, error_code, error_message, fingerprint, attempts,
                created_at, resolution, resolved_by, reason)
            SELECT id, merchant_id, 'python', 'demo.noop', 'http_500', %s, 'f', 1,
                   clock_timestamp(), '', '', ''
              FROM job
            """,
            [template.merchant_id, template.pk, number, message],
        )
