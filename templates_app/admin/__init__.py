"""Pages of templates_app; importing a module registers its models."""

from templates_app.admin import calendars, skipped, templates, windows

__all__ = ["calendars", "skipped", "templates", "windows"]
