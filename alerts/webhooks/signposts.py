"""What happened besides jobs' ends, as events: ids, times and codes, nothing that a person wrote."""

from datetime import datetime
from uuid import UUID

from alerts.webhooks import events
from alerts.webhooks.recording import News, record, rfc3339
from templates_app.signals import MissedOccurrences, SetAside


def of_missed(missed: MissedOccurrences) -> News:
    """Return the event of occurrences in a row that were missed."""
    return News(
        merchant_id=missed.merchant_id,
        type=events.TEMPLATE_MISSED,
        subject=missed.template_id,
        template_id=missed.template_id,
        at=missed.at,
        details={
            "template_id": str(missed.template_id),
            "first_at": rfc3339(missed.first_at),
            "last_at": rfc3339(missed.last_at),
            "occurrences": missed.occurrences,
        },
    )


def of_set_aside(template: SetAside) -> News:
    """Return the event of a template that is not expanded any more."""
    return News(
        merchant_id=template.merchant_id,
        type=events.TEMPLATE_SET_ASIDE,
        subject=template.template_id,
        template_id=template.template_id,
        at=template.at,
        details={"template_id": str(template.template_id), "set_aside_at": rfc3339(template.at)},
    )


def incident_opened(
    *, merchant_id: UUID, incident_id: UUID, rule: str, severity: str, at: datetime
) -> int:
    """Write that an incident began; return how many events that were (0: nobody subscribes).

    Call it in the transaction that opens the incident. `rule` and `severity` are codes, no sentences.
    """
    return _incident(
        events.INCIDENT_OPENED,
        merchant_id,
        incident_id,
        at,
        {"rule": rule, "severity": severity, "opened_at": rfc3339(at)},
    )


def incident_resolved(
    *, merchant_id: UUID, incident_id: UUID, rule: str, severity: str, at: datetime
) -> int:
    """Write that an incident is over; as `incident_opened`."""
    return _incident(
        events.INCIDENT_RESOLVED,
        merchant_id,
        incident_id,
        at,
        {"rule": rule, "severity": severity, "resolved_at": rfc3339(at)},
    )


def _incident(
    event_type: str, merchant_id: UUID, incident_id: UUID, at: datetime, details: dict[str, str]
) -> int:
    news = News(
        merchant_id=merchant_id,
        type=event_type,
        subject=incident_id,
        at=at,
        details={"incident_id": str(incident_id), **details},
    )
    return record([news])
