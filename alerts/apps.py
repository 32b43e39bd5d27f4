"""Alerts and outgoing webhooks."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "alerts"
    verbose_name = "Alerts"

    def ready(self) -> None:
        """Make the jobs that send messages known to every process."""
        from alerts.sending.kind import ALERT
        from jobs.handlers.registry import register_kind

        register_kind(ALERT)
