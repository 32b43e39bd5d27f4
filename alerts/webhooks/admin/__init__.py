"""Pages of webhooks; importing a module registers its models."""

from alerts.webhooks.admin import deliveries, endpoints, events

__all__ = ["deliveries", "endpoints", "events"]
