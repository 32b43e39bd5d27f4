"""What alerts and webhooks keep."""

from alerts.models.channel import Channel
from alerts.models.cursor import Cursor
from alerts.models.delivery import Delivery
from alerts.models.incident import Incident
from alerts.models.policy import EscalationPolicy
from alerts.models.rule import Rule

__all__ = ["Channel", "Cursor", "Delivery", "EscalationPolicy", "Incident", "Rule"]
