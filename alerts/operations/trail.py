"""What the audit trail is told of channels, policies, rules and incidents: never what is sealed."""

from typing import Any

from alerts.models import Channel, EscalationPolicy, Incident, Rule
from tenants.audit import Actor, record

Row = Channel | EscalationPolicy | Rule | Incident
_NAMES: dict[type[Any], str] = {
    Channel: "alert_channel",
    EscalationPolicy: "escalation_policy",
    Rule: "alert_rule",
    Incident: "incident",
}
_TOLD: dict[type[Any], tuple[str, ...]] = {
    Channel: ("name", "kind", "enabled", "shown"),
    EscalationPolicy: ("name", "steps", "repeat_after"),
    Rule: ("name", "kind", "parameters", "template_id", "severity", "policy_id", "enabled"),
    Incident: ("state", "snoozed_until", "note"),
}


def told(row: Row) -> dict[str, Any]:
    """Return what people see of a row."""
    return {name: getattr(row, name) for name in _TOLD[type(row)]}


def note(verb: str, row: Row, by: Actor, **told_of: dict[str, Any]) -> None:
    """Append an entry (`before`, `after`) in the transaction of the change; a platform's row goes to its chain."""
    record(
        by=by,
        verb=verb,
        object_type=_NAMES[type(row)],
        object_id=row.pk,
        merchant_id=row.merchant_id,
        **told_of,
    )
