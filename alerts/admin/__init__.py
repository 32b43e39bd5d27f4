"""Pages of the alerts app; importing a module registers its models."""

from alerts.admin import channels, deliveries, incidents, policies, rules

__all__ = ["channels", "deliveries", "incidents", "policies", "rules"]
