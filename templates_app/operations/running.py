"""Runs that the recurrence does not ask for now: run now, and a past range once more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from jobs import lifecycle, publishing, quota
from jobs.handlers.registry import InvalidPayload, UnknownKind
from jobs.models import AnyJob, ArchivedJob
from jobs.occurrence_rows import NewOccurrence
from jobs.operations.fields import FieldProblem, Fields, InvalidFields
from jobs.operations.limits import EARLIEST
from jobs.states import JobStatus, Origin, Overlap
from templates_app.expander import catch_up
from templates_app.expander.batch import read_these
from templates_app.expander.blueprint import Press
from templates_app.expander.due import DueTemplate, aware
from templates_app.models import Template
from templates_app.operations.audited import record_of
from templates_app.operations.past_runs import PastRuns, TooMuchAtOnce, runs_within
from templates_app.operations.templates import TemplateGone
from templates_app.placeholders import PlaceholderError
from templates_app.planning.plan import Run
from templates_app.planning.window_book import naive
from templates_app.recurrence.moments import Moment
from templates_app.recurrence.parse import parse_stored
from templates_app.surroundings_lock import hold_surroundings
from tenants.audit import SYSTEM, Actor
from tenants.models import Merchant

LONGEST_RANGE = timedelta(days=3_660)
FASTEST = 60_000  # runs a minute
OVERLAPS = ("allow", "one_at_a_time")


@dataclass(frozen=True, kw_only=True)
class Backfilled:
    """What a backfill came to.

    `created`: new jobs. `restarted`: occurrences whose job had been skipped and runs now.
    `existing`: occurrences that have a job already. `not_planned`: closed by calendars, windows or
    clock changes. `last_run_at`: when the last of those that run now is due.
    """

    created: int
    restarted: int
    existing: int
    not_planned: int
    last_run_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How past occurrences run: whose they are, one after another or not, how many a minute.

    `overlap` is a jobs.states.Overlap, or '' for beside one another. `per_minute` 0: all at once.
    """

    origin: str
    overlap: str = Overlap.WAIT
    per_minute: int = 0

    def due(self, place: int, now: datetime) -> datetime:
        """When the run at a place in the order of occurrences is due."""
        return now + timedelta(minutes=place / self.per_minute) if self.per_minute else now


def run_now(template: Template, *, now: datetime, by: Actor = SYSTEM) -> UUID:
    """Make one job of the template, due at once, beside its occurrences; return the job's id.

    Raises TemplateGone, InvalidFields, QuotaExceeded.
    """
    with transaction.atomic():
        press = locked_press(template.id)
        named = Moment(naive(now), naive(now), press.recurrence.zone.local(naive(now)))
        run = Run(named.scheduled, named.scheduled, named)
        quota.admit(template.merchant, adding=1, now=now)
        job = _job(press, run, run_at=now, manner=Manner(origin=Origin.RUN_NOW, overlap=""))
        # Beside the recurrence: any number may run at the same instant.
        [job_id] = lifecycle.create_occurrences([replace(job, occurrence_at=None)])
        record_of("run_now", template, by, after={"job": job_id})
        transaction.on_commit(publishing.wake)
    return job_id


def backfill(template: Template, data: Any, *, now: datetime, by: Actor = SYSTEM) -> Backfilled:
    """Run the occurrences of a past range (both ends included) that have no job yet.

    `overlap`: all beside one another, or one after another. `per_minute`: how many become due in a
    minute; all at once when left out. What is overdue is decided by the misfire policy first, as
    before any change. Raises InvalidFields, TemplateGone, QuotaExceeded.
    """
    fields = Fields(data, ("from", "to", "overlap", "per_minute"))
    start, end = _range(fields, now)
    overlap = fields.choice("overlap", "one_at_a_time", options=OVERLAPS)
    rate = fields.integer("per_minute", 0, minimum=0, maximum=FASTEST)
    fields.raise_problems()
    manner = Manner(
        origin=Origin.BACKFILL,
        overlap="" if overlap == "allow" else Overlap.WAIT,
        per_minute=rate,
    )
    with transaction.atomic():
        press = locked_press(template.id)
        _catch_up(template.id, now)
        try:
            past = runs_within(press.template, start, end)
        except TooMuchAtOnce as much:
            sentence = (
                f'"to" makes the range span {much}; backfill in pieces, the first up to '
                f"{much.until:%FT%TZ}."
            )
            raise InvalidFields([FieldProblem("/to", "too_many", sentence)]) from much
        done = run_past(press, past, manner, merchant=template.merchant, now=now)
        record_of(
            "backfill",
            template,
            by,
            after={
                "from": start,
                "to": end,
                "overlap": overlap,
                "per_minute": rate,
                "created": done.created,
                "restarted": done.restarted,
            },
        )
        return done


def locked_press(template_id: UUID) -> Press:
    """Lock a template until the transaction ends, and return what makes its jobs.

    Whoever deletes it waits, and cancels what was made; an expander passes over it meanwhile.
    Raises TemplateGone, RecurrenceError.
    """
    hold_surroundings()
    # No key lock: the engine's rows of skipped occurrences refer to the template meanwhile.
    wanted = Template.objects.select_for_update(of=("self",), no_key=True).filter(pk=template_id)
    if wanted.first() is None:
        raise TemplateGone("The template was deleted.")
    row: DueTemplate = read_these([template_id])[template_id]
    return Press(row, parse_stored(row.recurrence, seed=str(row.id)))


def run_past(
    press: Press, past: PastRuns, manner: Manner, *, merchant: Merchant, now: datetime
) -> Backfilled:
    """Run those that have no job, or whose job was skipped, in the order of their occurrences.

    Call it in the transaction that locked the template. Raises InvalidFields, QuotaExceeded.
    """
    stands = _statuses(press.template.id, past.runs)
    left = [run for run in past.runs if stands.get(run.occurrence_at) in {None, JobStatus.SKIPPED}]
    if left:
        quota.admit(merchant, adding=len(left), now=now)
    jobs: list[NewOccurrence] = []
    skipped: dict[datetime, datetime] = {}
    for place, run in enumerate(left):
        due = manner.due(place, now)
        if run.occurrence_at in stands:
            skipped[aware(run.occurrence_at)] = due
        else:
            jobs.append(_job(press, run, run_at=due, manner=manner))
    created = len(lifecycle.create_occurrences(jobs))
    restarted = 0
    if skipped:
        template_id = press.template.id
        _bring_back(template_id, skipped, merchant)
        made_up = lifecycle.make_up(
            template_id=template_id, dues=skipped, origin=manner.origin, overlap=manner.overlap
        )
        restarted = len(made_up)
    transaction.on_commit(publishing.wake)
    return Backfilled(
        created=created,
        restarted=restarted,
        existing=len(past.runs) - created - restarted,
        not_planned=past.not_planned,
        last_run_at=manner.due(len(left) - 1, now) if left else None,
    )


def _range(fields: Fields, now: datetime) -> tuple[datetime, datetime]:
    start, end = fields.moment("from"), fields.moment("to")
    for name, moment in (("from", start), ("to", end)):
        if moment is None and not any(one.pointer == f"/{name}" for one in fields.problems):
            fields.refuse(name, "required", "is required: which range is to be run?")
        elif moment is not None and moment < EARLIEST:
            fields.refuse(name, "too_early", "is before the year 2000; choose a later time.")
        elif moment is not None and moment > now:
            fields.refuse(name, "too_late", "lies in the future; a backfill is of the past.")
    if start is not None and end is not None:
        if end < start:
            fields.refuse("to", "out_of_range", 'must not be before "from".')
        elif end - start > LONGEST_RANGE:
            fields.refuse("to", "out_of_range", "must be within ten years of the start.")
    return start or now, end or now


def _catch_up(template_id: UUID, now: datetime) -> None:
    """Have the misfire policy decide on what is overdue, as a tick of the expander would."""
    if Template.objects.filter(pk=template_id, next_expansion_at__lte=now).exists():
        catch_up([template_id], now, settings.TASKFLOW_EXPANSION)


def _statuses(template_id: UUID, runs: Sequence[Run]) -> dict[datetime, str]:
    """Return the status of each run's job by its occurrence (naive UTC), if it has one."""
    moments = [aware(run.occurrence_at) for run in runs]
    jobs = AnyJob.objects.filter(template_id=template_id, occurrence_at__in=moments)
    found = jobs.values_list("occurrence_at", "status")
    return {naive(at): status for at, status in found if at is not None}


def _bring_back(template_id: UUID, moments: Iterable[datetime], merchant: Merchant) -> None:
    """Take jobs of these occurrences out of the archive, so that they can run after all."""
    jobs = ArchivedJob.objects.filter(template_id=template_id, occurrence_at__in=list(moments))
    lifecycle.recall(list(jobs.values_list("pk", flat=True)), merchant_id=merchant.pk)


def _job(press: Press, run: Run, *, run_at: datetime, manner: Manner) -> NewOccurrence:
    try:
        return press.job(
            run,
            run_at=naive(run_at),
            missed_at=None,
            origin=manner.origin,
            overlap=manner.overlap,
        )
    except PlaceholderError as error:
        raise InvalidFields([FieldProblem("", error.code, error.message)]) from error
    except (InvalidPayload, UnknownKind) as error:
        raise InvalidFields([FieldProblem("", "invalid_payload", str(error))]) from error
