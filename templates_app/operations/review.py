"""After an outage: what to do about occurrences that were missed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from jobs.operations.fields import Fields
from templates_app.models import SkippedOccurrence
from templates_app.operations.running import Backfilled, run_range

CHOICES = ("run_all", "run_last", "dismiss")


class AlreadyReviewed(Exception):
    """Somebody has decided about these occurrences before."""


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """The decision, and what running them came to (None when dismissed)."""

    row: SkippedOccurrence
    ran: Backfilled | None


def review(row: SkippedOccurrence, data: Any, *, now: datetime, by: str) -> Reviewed:
    """Run all, the last one or none of the occurrences of a row.

    Raises InvalidFields, AlreadyReviewed, TemplateGone.
    """
    fields = Fields(data, ("choice",))
    choice = fields.choice("choice", "", options=CHOICES)
    fields.raise_problems()
    with transaction.atomic():
        locked = (
            SkippedOccurrence.objects.select_for_update(of=("self",))
            .select_related("template")
            .get(pk=row.pk)
        )
        if locked.resolved_at is not None:
            raise AlreadyReviewed(f"{locked.resolved_by} has decided already: {locked.resolution}.")
        ran = None
        if choice != "dismiss":
            first = locked.first_at if choice == "run_all" else locked.last_at
            ran = run_range(locked.template, first, locked.last_at, now=now, by=by)
        locked.resolved_at = now
        locked.resolved_by = by[:200]
        locked.resolution = choice
        locked.save(update_fields=["resolved_at", "resolved_by", "resolution"])
    return Reviewed(row=locked, ran=ran)
