"""After an outage: what to do about occurrences that were missed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from jobs.operations.fields import Fields
from templates_app.models import Cause, SkippedOccurrence
from templates_app.operations.running import Backfilled, run_range

# What calendars, windows and clock changes decided is as planned: there is nothing to make up for.
REVIEWABLE = (Cause.MISSED, Cause.OVERLAP)
CHOICES = ("run_all", "run_last", "dismiss")


class AlreadyReviewed(Exception):
    """Somebody has decided about these occurrences before."""


class NothingToReview(Exception):
    """The occurrences did not run because they were not to run."""


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """The decision, and what running them came to (None when dismissed)."""

    row: SkippedOccurrence
    ran: Backfilled | None


def review(row: SkippedOccurrence, data: Any, *, now: datetime, by: str) -> Reviewed:
    """Run all, the last one or none of the occurrences of a row.

    Raises InvalidFields, NothingToReview, AlreadyReviewed, TemplateGone, QuotaExceeded.
    """
    fields = Fields(data, ("choice",))
    choice = fields.choice("choice", "", options=CHOICES)
    fields.raise_problems()
    if row.cause not in REVIEWABLE:
        raise NothingToReview(f"It did not run as planned: {row.reason}")
    with transaction.atomic():
        locked = (
            SkippedOccurrence.objects.select_for_update(of=("self",))
            .select_related("template__merchant")
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
