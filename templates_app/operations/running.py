"""Runs that the recurrence does not ask for now: run now, and a past range once more."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from jobs import lifecycle, publishing, quota
from jobs.handlers.registry import InvalidPayload, UnknownKind
from jobs.models import Job
from jobs.operations.fields import FieldProblem, Fields, InvalidFields
from jobs.rows import NewOccurrence
from jobs.states import JobStatus
from templates_app.expander.batch import read_these
from templates_app.expander.blueprint import Press
from templates_app.expander.due import DueTemplate
from templates_app.expander.outcome import rules_of
from templates_app.expander.surroundings import look_around
from templates_app.models import Template
from templates_app.operations.templates import TemplateGone
from templates_app.placeholders import PlaceholderError
from templates_app.planning.plan import Run, plan
from templates_app.planning.window_book import naive
from templates_app.recurrence.moments import Moment

MOST_BACKFILLED = 10_000
LONGEST_RANGE = timedelta(days=3_660)
FASTEST = 60_000  # runs a minute
OVERLAPS = ("allow", "one_at_a_time")


@dataclass(frozen=True, kw_only=True)
class Backfilled:
    """What a backfill came to.

    `created`: new jobs. `restarted`: occurrences whose job had been skipped and runs now.
    `existing`: occurrences that have a job already. `not_planned`: closed by calendars, windows or
    clock changes. `last_run_at`: when the last of the jobs is due.
    """

    created: int
    restarted: int
    existing: int
    not_planned: int
    last_run_at: datetime | None


def run_now(template: Template, *, now: datetime) -> UUID:
    """Make one job of the template, due at once, beside its occurrences; return the job's id.

    Raises TemplateGone, InvalidFields, QuotaExceeded.
    """
    press = _press(template, now)
    named = Moment(naive(now), naive(now), press.recurrence.zone.local(naive(now)))
    run = Run(named.scheduled, named.scheduled, named)
    quota.admit(template.merchant, adding=1, now=now)
    job = _job(press, run, run_at=naive(now), origin="run_now", overlap="")
    with transaction.atomic():
        # Beside the recurrence: any number may run at the same instant.
        [job_id] = lifecycle.create_occurrences([replace(job, occurrence_at=None)])
        transaction.on_commit(publishing.wake)
    return job_id


def backfill(template: Template, data: Any, *, now: datetime, by: str) -> Backfilled:
    """Run the occurrences of a past range (both ends included) that have no job yet.

    `overlap`: all beside one another, or one after another. `per_minute`: how many become due in a
    minute; all at once when left out. Raises InvalidFields, TemplateGone.
    """
    fields = Fields(data, ("from", "to", "overlap", "per_minute"))
    start, end = _range(fields, now)
    overlap = fields.choice("overlap", "one_at_a_time", options=OVERLAPS)
    rate = fields.integer("per_minute", 0, minimum=0, maximum=FASTEST)
    fields.raise_problems()
    return run_range(template, start, end, now=now, by=by, overlap=overlap, per_minute=rate)


def run_range(
    template: Template,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    by: str,
    overlap: str = "one_at_a_time",
    per_minute: int = 0,
) -> Backfilled:
    """Run the occurrences of a checked range that have no job.

    Raises InvalidFields, TemplateGone, QuotaExceeded.
    """
    press = _press(template, now)
    runs, not_planned = _past_runs(press, start, end)
    jobs = []
    for index, run in enumerate(runs):
        delay = timedelta(minutes=index / per_minute) if per_minute else timedelta(0)
        kept = "" if overlap == "allow" else "wait"
        jobs.append(_job(press, run, run_at=naive(now + delay), origin="backfill", overlap=kept))
    quota.admit(template.merchant, adding=len(jobs), now=now)
    with transaction.atomic():
        created = set(lifecycle.create_occurrences(jobs))
        left = [job for job in jobs if job.id not in created]
        restarted = _restart_skipped(press.template.id, left, now, by)
        transaction.on_commit(publishing.wake)
    return Backfilled(
        created=len(created),
        restarted=restarted,
        existing=len(left) - restarted,
        not_planned=not_planned,
        last_run_at=jobs[-1].run_at if jobs else None,
    )


def _range(fields: Fields, now: datetime) -> tuple[datetime, datetime]:
    start, end = fields.moment("from"), fields.moment("to")
    for name, moment in (("from", start), ("to", end)):
        if moment is None and not any(one.pointer == f"/{name}" for one in fields.problems):
            fields.refuse(name, "required", "is required: which range is to be run?")
        elif moment is not None and moment > now:
            fields.refuse(name, "too_late", "lies in the future; a backfill is of the past.")
    if start is not None and end is not None:
        if end < start:
            fields.refuse("to", "out_of_range", 'must not be before "from".')
        elif end - start > LONGEST_RANGE:
            fields.refuse("to", "out_of_range", "must be within ten years of the start.")
    return start or now, end or now


def _past_runs(press: Press, start: datetime, end: datetime) -> tuple[list[Run], int]:
    template = press.template
    rules = rules_of(template, look_around([template], start))
    first, last = naive(start), naive(end)
    # Calendars may have moved an occurrence into the range from before or after it.
    since = rules.looking_back(first) - timedelta(microseconds=1)
    until = last + rules.look_ahead
    planned = plan(rules, after=since, until=until, now=first, most=MOST_BACKFILLED)
    runs = [run for run in planned.runs if first <= run.occurrence_at <= last]
    if planned.full:
        reached = planned.examined_to
        raise InvalidFields(
            [
                FieldProblem(
                    "/to",
                    "too_many",
                    f'"to" spans more than {MOST_BACKFILLED:,} occurrences; backfill in pieces, the '
                    f"first up to {reached:%FT%TZ}.",
                )
            ]
        )
    within = (skip for skip in planned.skips if first <= skip.first_at <= last)
    return runs, sum(skip.count for skip in within)


def _restart_skipped(template_id: UUID, jobs: list[NewOccurrence], now: datetime, by: str) -> int:
    """Let occurrences run whose job the misfire or overlap policy had skipped."""
    skipped = Job.objects.filter(
        template_id=template_id,
        occurrence_at__in=[job.occurrence_at for job in jobs],
        status=JobStatus.SKIPPED,
    )
    ids = list(skipped.order_by("occurrence_at").values_list("id", flat=True))
    return len(lifecycle.restart(job_ids=ids, now=now, by=by)) if ids else 0


def _press(template: Template, now: datetime) -> Press:
    rows = read_these([template.id])
    if template.id not in rows:
        raise TemplateGone("The template was deleted.")
    row: DueTemplate = rows[template.id]
    return Press(row, rules_of(row, look_around([row], now)).recurrence)


def _job(press: Press, run: Run, *, run_at: datetime, origin: str, overlap: str) -> NewOccurrence:
    try:
        return press.job(run, run_at=run_at, missed_at=None, origin=origin, overlap=overlap)
    except PlaceholderError as error:
        raise InvalidFields([FieldProblem("", error.code, error.message)]) from error
    except (InvalidPayload, UnknownKind) as error:
        raise InvalidFields([FieldProblem("", "invalid_payload", str(error))]) from error
