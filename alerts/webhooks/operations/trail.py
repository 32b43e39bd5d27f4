"""What the audit trail is told of endpoints. Never a secret; of the URL the host only, it may carry one."""

from typing import Any

from alerts.models import WebhookEndpoint
from tenants.audit import Actor, record

_TOLD = ("host", "events", "kind", "template_id", "description", "active", "disabled_reason")


def told(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return what people see of an endpoint."""
    return {name: getattr(endpoint, name) for name in _TOLD}


def note(verb: str, endpoint: WebhookEndpoint, by: Actor, **told_of: dict[str, Any]) -> None:
    """Append an entry (`before`, `after`) in the transaction of the change."""
    record(
        by=by,
        verb=verb,
        object_type="webhook_endpoint",
        object_id=endpoint.pk,
        merchant_id=endpoint.merchant_id,
        **told_of,
    )
