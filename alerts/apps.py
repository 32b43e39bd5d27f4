"""Alerts and outgoing webhooks."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "alerts"
    verbose_name = "Alerts"

    def ready(self) -> None:
        """Register the apps' job kinds, and listen to what jobs do."""
        from alerts.webhooks.startup import start

        start()
