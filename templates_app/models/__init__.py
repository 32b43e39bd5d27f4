"""What templates_app keeps: templates, calendars, maintenance windows, occurrences that did not run."""

from templates_app.models.calendar import Calendar
from templates_app.models.maintenance_window import MaintenanceWindow
from templates_app.models.skipped_occurrence import Cause, SkippedOccurrence
from templates_app.models.template import Misfire, OnClosed, Overlap, Template

__all__ = [
    "Calendar",
    "Cause",
    "MaintenanceWindow",
    "Misfire",
    "OnClosed",
    "Overlap",
    "SkippedOccurrence",
    "Template",
]
