"""Alerts and outgoing webhooks."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "alerts"
    verbose_name = "Alerts"

    def ready(self) -> None:
        """Register the app's job kinds, and listen to what jobs do."""
        from alerts.receivers import give_rules
        from alerts.sending.kind import ALERT
        from alerts.webhooks.startup import start
        from jobs.handlers.registry import register_kind
        from tenants.signals import merchant_created

        register_kind(ALERT)
        start()
        merchant_created.connect(give_rules)
