"""API keys: how a producer proves who it is, and what it may do."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register


class ApiKeysConfig(AppConfig):
    name = "apikeys"
    verbose_name = "API keys"

    def ready(self) -> None:
        """Register the system check; it loads the views only when it runs."""
        register(_views_declare_scopes, Tags.urls)


def _views_declare_scopes(**_: Any) -> list[CheckMessage]:
    from apikeys.checks import views_declare_scopes

    return views_declare_scopes()
