"""What alerts and webhooks keep."""

from .webhook_delivery import WebhookDelivery as WebhookDelivery
from .webhook_endpoint import WebhookEndpoint as WebhookEndpoint
from .webhook_event import WebhookEvent as WebhookEvent
