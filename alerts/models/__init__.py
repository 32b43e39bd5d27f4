"""What alerts and webhooks keep."""

from alerts.models.channel import Channel
from alerts.models.cursor import Cursor
from alerts.models.delivery import Delivery
from alerts.models.incident import Incident
from alerts.models.policy import EscalationPolicy
from alerts.models.rule import Rule
from alerts.models.webhook_delivery import WebhookDelivery
from alerts.models.webhook_endpoint import WebhookEndpoint
from alerts.models.webhook_event import WebhookEvent

__all__ = [
    "Channel",
    "Cursor",
    "Delivery",
    "EscalationPolicy",
    "Incident",
    "Rule",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
