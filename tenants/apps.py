"""Merchants, their people, and the door to what they own."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created

from tenants.statement import send_lists_as_they_are


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Merchants and people"

    def ready(self) -> None:
        """Every connection is taught once it is made."""
        connection_created.connect(send_lists_as_they_are, dispatch_uid="tenants.statement")
