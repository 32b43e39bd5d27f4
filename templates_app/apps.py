"""Templates: what happens again and again."""

from django.apps import AppConfig


class TemplatesConfig(AppConfig):
    name = "templates_app"
    verbose_name = "Schedules"

    def ready(self) -> None:
        """Listen to the engine, which skips occurrences that overlap."""
        from templates_app.receivers import listen

        listen()
