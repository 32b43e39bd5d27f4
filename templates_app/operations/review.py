"""What did not run although it should have: a person decides, once, what becomes of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from jobs.operations.fields import FieldProblem, Fields, InvalidFields
from jobs.states import Origin
from templates_app.expander.blueprint import Press
from templates_app.models import Cause, SkippedOccurrence
from templates_app.operations.past_runs import TooMuchAtOnce, last_run_about, runs_about
from templates_app.operations.running import Backfilled, Manner, locked_press, run_past
from templates_app.operations.templates import TemplateGone
from tenants.audit import Actor, record

# What calendars, windows and clock changes decided is as planned: there is nothing to make up for.
REVIEWABLE = (Cause.MISSED, Cause.OVERLAP, Cause.PAUSED)
CHOICES = ("run_all", "run_last", "dismiss")
RUNS = {"run_all": runs_about, "run_last": last_run_about}


class AlreadyReviewed(Exception):
    """Somebody has decided about these occurrences before."""


class NothingToReview(Exception):
    """The occurrences were not to run, or there is none of them left to run."""


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """The decision, and what running them came to (None when dismissed)."""

    row: SkippedOccurrence
    ran: Backfilled | None


def review(row: SkippedOccurrence, data: Any, *, now: datetime, by: Actor) -> Reviewed:
    """Run all, the last one or none of the occurrences of a row.

    They run one after another, and while no run of the schedule is going. A decision that has
    nothing run is not noted, so the row stays to be decided. Raises InvalidFields, NothingToReview,
    AlreadyReviewed, TemplateGone, QuotaExceeded.
    """
    fields = Fields(data, ("choice",))
    choice = fields.choice("choice", "", options=CHOICES)
    fields.raise_problems()
    if row.cause not in REVIEWABLE:
        raise NothingToReview(f"It did not run as planned: {row.reason}")
    with transaction.atomic():
        ran = None
        if choice == "dismiss":
            locked = _undecided(row)
        else:
            # The template first, as who deletes it does: its rows go after it.
            press = locked_press(row.template_id)
            locked = _undecided(row)
            ran = _run(press, locked, choice, now)
        locked.resolved_at = now
        locked.resolved_by = by.shown
        locked.resolution = choice
        locked.save(update_fields=["resolved_at", "resolved_by", "resolution"])
        record(
            by=by,
            verb="review",
            object_type="skipped_occurrence",
            object_id=locked.pk,
            merchant_id=locked.merchant_id,
            after={"template": locked.template_id, "choice": choice},
        )
    return Reviewed(row=locked, ran=ran)


def _undecided(row: SkippedOccurrence) -> SkippedOccurrence:
    rows = SkippedOccurrence.objects.select_for_update(of=("self",))
    locked = rows.select_related("template__merchant").filter(pk=row.pk).first()
    if locked is None:
        raise TemplateGone("The template was deleted.")
    if locked.resolved_at is not None:
        raise AlreadyReviewed(f"{locked.resolved_by} has decided already: {locked.resolution}.")
    return locked


def _run(press: Press, row: SkippedOccurrence, choice: str, now: datetime) -> Backfilled:
    try:
        past = RUNS[choice](press.template, row.first_at, row.last_at, now)
    except TooMuchAtOnce as much:
        raise InvalidFields([FieldProblem("/choice", "too_many", _in_pieces(much))]) from much
    merchant = row.template.merchant
    ran = run_past(press, past, Manner(origin=Origin.PERSON), merchant=merchant, now=now)
    if not ran.created + ran.restarted:
        raise NothingToReview(
            "Nothing of it is left to run: each of its occurrences has a job already. Dismiss it."
            if ran.existing
            else "Nothing of it can run: by the template as it is today, none of its occurrences "
            "is planned. Dismiss it."
        )
    return ran


def _in_pieces(much: TooMuchAtOnce) -> str:
    return (
        f'"choice" asks for {much}. Run the last one, or backfill the range in pieces, the first '
        f"up to {much.until:%FT%TZ}; then dismiss this."
    )
