"""Recurrences and their occurrences in plain English, for people who are not engineers."""

from templates_app.recurrence.describe.reason import reason
from templates_app.recurrence.describe.sentence import sentence

__all__ = ["reason", "sentence"]
