"""Alerts and outgoing webhooks."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "alerts"
    verbose_name = "Alerts"

    def ready(self) -> None:
        """Register the app's job kinds, and listen to what jobs do."""
        from alerts.sending.kind import ALERT
        from alerts.webhooks.startup import start
        from jobs.handlers.registry import register_kind

        register_kind(ALERT)
        start()
