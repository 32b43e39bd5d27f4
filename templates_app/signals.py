"""The seam through which the rest of the house hears of templates.

Both signals are sent inside the transaction of what they tell of: what a listener writes is committed
with it or not at all, and a listener that fails undoes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.dispatch import Signal

# With `missed`: a sequence of MissedOccurrences.
occurrences_missed = Signal()
# With `templates`: a sequence of SetAside.
templates_set_aside = Signal()


@dataclass(frozen=True, kw_only=True)
class MissedOccurrences:
    """Occurrences in a row that nobody ran in time and that are not made up for; noted at `at`."""

    merchant_id: UUID
    template_id: UUID
    first_at: datetime
    last_at: datetime
    occurrences: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A template that is not expanded any more, since `at`."""

    merchant_id: UUID
    template_id: UUID
    at: datetime


def tell_missed(missed: Sequence[MissedOccurrences]) -> None:
    """Tell the listeners, here and now; what they raise is raised."""
    if missed:
        occurrences_missed.send(sender=None, missed=missed)


def tell_set_aside(templates: Sequence[SetAside]) -> None:
    """Tell the listeners, here and now; what they raise is raised."""
    if templates:
        templates_set_aside.send(sender=None, templates=templates)
