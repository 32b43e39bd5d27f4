"""Cron expressions: parsed once, searched by the month, in nominal local time."""

from templates_app.recurrence.cron.days import DayMatch
from templates_app.recurrence.cron.parse import parse_cron
from templates_app.recurrence.cron.schedule import Cron

__all__ = ["Cron", "DayMatch", "parse_cron"]
