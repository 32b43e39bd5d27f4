"""What a template will do: its next occurrences."""

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from jobs.operations.fields import Fields, InvalidFields
from templates_app.calendars.cautions import beyond_data
from templates_app.models import Template
from templates_app.operations.bounds import read_bounded
from templates_app.operations.draft import TEMPLATE_FIELDS, read_columns
from templates_app.operations.faults import recurrence_problem
from templates_app.operations.schedule import (
    Schedule,
    schedule_from,
    schedule_of,
    windows_around,
)
from templates_app.operations.unreadable import unreadable_windows
from templates_app.planning.plan import Plan, Run, Skip, plan
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import naive
from templates_app.recurrence.describe import sentence
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.value import END
from tenants.identifiers import new_id
from tenants.models import Merchant

MOST_PREVIEWED = 1_000
DEFAULT_PREVIEWED = 20
# What calendars move or windows hold may pass so many others.
MOST_OVERTAKEN = 150
INACTIVE = Caution(
    code="inactive",
    field="active",
    message="The template is inactive: none of this runs.",
    hint='Set "active" to true.',
)
SET_ASIDE = Caution(
    code="set_aside",
    field="recurrence",
    message="The template is set aside because it could not be planned: none of this runs.",
    hint="Mend it, or resume it to have it tried again.",
)
PAUSED = Caution(
    code="paused",
    field="resume_at",
    message="The template is paused without an end: none of this runs.",
    hint="Resume it.",
)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Runs and skips to come, in order; times are naive UTC, `rules.recurrence.zone` is the zone."""

    sentence: str
    cautions: tuple[Caution, ...]
    rules: Rules
    runs: tuple[Run, ...]
    skips: tuple[Skip, ...]
    ended: bool


def preview_template(template: Template, *, count: int, start: datetime) -> Preview:
    """Return a stored template's next runs after `start`, or after the end of its pause.

    Raises TemplateGone, InvalidFields, RecurrenceError.
    """
    if template.paused_at is not None and template.resume_at is not None:
        start = max(start, template.resume_at)
    schedule = schedule_of(template, start)
    cautions = (*_state_of(template), *unreadable_windows(template.merchant_id, template.id))
    return _preview(schedule, count, start, born=template.created_at, cautions=cautions)


def preview_draft(data: Any, *, merchant: Merchant, now: datetime) -> Preview:
    """Return the next runs of a template that is not stored; `recurrence` is all that it needs.

    Whatever else of a template is there is checked as well. Raises InvalidFields.
    """
    fields = Fields(data, (*TEMPLATE_FIELDS, "count", "from"))
    count = fields.integer("count", DEFAULT_PREVIEWED, minimum=1, maximum=MOST_PREVIEWED)
    start = read_bounded(fields, "from", now) or now
    named = {"recurrence", *(name for name in fields.data if name in TEMPLATE_FIELDS)}
    columns = read_columns(fields, named, merchant=merchant, template_id=new_id(), now=now)
    fields.raise_problems()
    try:
        windows = windows_around(merchant, start)
        schedule = schedule_from(columns, windows=windows, born=now, start=start)
        state = () if columns.get("active", True) else (INACTIVE,)
        cautions = (*state, *unreadable_windows(merchant.pk, None))
        return _preview(schedule, count, start, born=now, cautions=cautions)
    except RecurrenceError as error:
        document = fields.data["recurrence"]
        raise InvalidFields([recurrence_problem(error, document, "/recurrence")]) from error


def since_when(rules: Rules, start: datetime, born: datetime) -> datetime:
    """Return from when on occurrences count whose runs lie after `start`; naive UTC.

    A template has no past: of what lay before it was `born` nothing is planned.
    """
    first, since = naive(start), rules.looking_back(naive(start))
    return max(since, naive(born)) if born <= start else min(since, first)


def _state_of(template: Template) -> tuple[Caution, ...]:
    if not template.active:
        return (INACTIVE,)
    if template.set_aside_at is not None:
        return (SET_ASIDE,)
    paused = template.paused_at is not None and template.resume_at is None
    return (PAUSED,) if paused else ()


def _preview(
    schedule: Schedule,
    count: int,
    start: datetime,
    *,
    born: datetime,
    cautions: tuple[Caution, ...],
) -> Preview:
    rules, first = schedule.rules, naive(start)
    overtaken = MOST_OVERTAKEN if rules.moves or rules.windows is not None else 0
    planned = plan(
        rules,
        after=since_when(rules, start, born),
        until=END,
        now=first,
        most=count + overtaken,
    )
    coming = sorted((run for run in planned.runs if run.run_at > first), key=lambda run: run.run_at)
    runs = tuple(coming[:count])
    if len(coming) > count:
        last = runs[-1].run_at
        skips = [skip for skip in planned.skips if skip.first_at <= last]
    else:
        skips = list(planned.skips)
    return Preview(
        sentence=sentence(
            rules.recurrence.document, schedule.avoid, schedule.keep_to, rules.on_closed.value
        ),
        cautions=(
            *cautions,
            *rules.recurrence.cautions,
            *_beyond_known_holidays(rules, runs),
            *_stopped(planned, rules, enough=len(coming) >= count),
        ),
        rules=rules,
        runs=runs,
        skips=tuple(_from(skip, first, rules) for skip in skips if skip.last_at > first),
        ended=planned.ended and len(coming) <= count,
    )


def _from(skip: Skip, start: datetime, rules: Rules) -> Skip:
    """Return the part of a skip that lies ahead."""
    if skip.first_at > start:
        return skip
    ahead = takewhile(
        lambda moment: moment.scheduled <= skip.last_at, rules.recurrence.moments(start)
    )
    instants = [moment.scheduled for moment in ahead]
    return Skip(instants[0], skip.last_at, len(instants), skip.cause, skip.reason)


def _beyond_known_holidays(rules: Rules, runs: tuple[Run, ...]) -> tuple[Caution, ...]:
    if rules.opening is None or not runs:
        return ()
    calendars = (*rules.opening.avoid, *rules.opening.keep_to)
    return beyond_data((one.definition for one in calendars), runs[-1].run_at.year)


def _stopped(planned: Plan, rules: Rules, *, enough: bool) -> tuple[Caution, ...]:
    """Return why there are fewer runs than were asked for, unless there are none."""
    if enough:
        return ()
    if planned.shut:
        closed = planned.skips[-1].first_at
        return (
            Caution(
                code="never_open",
                field="keep_to" if rules.opening and rules.opening.keep_to else "avoid",
                message=f"From {rules.recurrence.zone.local(closed):%Y-%m-%d} on nothing falls on "
                "an open time for a year and more.",
                hint="Open the calendars, or take one of them out.",
            ),
        )
    if planned.full:
        reached = rules.recurrence.zone.local(planned.examined_to)
        return (
            Caution(
                code="stopped_early",
                field="recurrence",
                message=f"The preview stopped at {reached:%Y-%m-%d %H:%M:%S}: it takes too much "
                "work to find out what follows.",
                hint='Name a later "from", or let fewer occurrences fall on closed times.',
            ),
        )
    return ()
