"""Pages of the alerts app; importing a module registers its models."""

from alerts.webhooks import admin as webhook_pages  # noqa: F401
