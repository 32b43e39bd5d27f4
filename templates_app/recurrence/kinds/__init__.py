"""The kinds of recurrence: for each, the keys it knows and how it is built."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from templates_app.recurrence.document import Document
from templates_app.recurrence.kinds import combined, cron, dates, forms, interval, rrule
from templates_app.recurrence.kinds.built import Built, Nested

Build: TypeAlias = Callable[[Document, str, Nested], Built]

KINDS: Mapping[str, tuple[tuple[str, ...], Build]] = {
    "cron": (cron.KNOWN, cron.build),
    "interval": (interval.KNOWN, interval.build),
    "daily": (forms.DAILY, forms.build_daily),
    "weekly": (forms.WEEKLY, forms.build_weekly),
    "monthly": (forms.MONTHLY, forms.build_monthly),
    "yearly": (forms.YEARLY, forms.build_yearly),
    "rrule": (rrule.KNOWN, rrule.build),
    "dates": (dates.KNOWN, dates.build),
    "union": (combined.UNION, combined.build_union),
    "except": (combined.EXCEPT, combined.build_except),
}

__all__ = ["KINDS", "Build", "Built", "Nested"]
