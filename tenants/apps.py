"""Merchants, their people, and the door to what they own."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Merchants and people"
