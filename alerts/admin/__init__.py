"""Pages of the alerts app; importing a module registers its models."""

from alerts.admin import channels, deliveries, incidents, policies, rules
from alerts.webhooks import admin as webhook_pages

__all__ = ["channels", "deliveries", "incidents", "policies", "rules", "webhook_pages"]
