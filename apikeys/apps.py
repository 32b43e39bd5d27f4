"""API keys: how a producer proves who it is, and what it may do."""

from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    name = "apikeys"
    verbose_name = "API keys"

    def ready(self) -> None:
        """Register the system checks and the OpenAPI description of this app."""
        from apikeys import checks, openapi  # noqa: F401
