"""What an edit of a template would change of its next runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs.operations.fields import InvalidFields
from templates_app.models import Template
from templates_app.operations.draft import read_change
from templates_app.operations.preview import since_when
from templates_app.operations.schedule import schedule_from, schedule_of, windows_around
from templates_app.planning.plan import Plan, Run, plan
from templates_app.planning.rules import Rules
from templates_app.planning.window_book import naive
from templates_app.planning.work import MOST_WORK
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.zones import Zone, find_zone

EDIT_HORIZON = timedelta(days=30)
MOST_COMPARED = 1_000


@dataclass(frozen=True, kw_only=True)
class EditPreview:
    """What an edit changes within the horizon: each list is sorted; moved pairs are old and new."""

    zone: Zone
    added: tuple[Run, ...]
    removed: tuple[Run, ...]
    moved: tuple[tuple[Run, Run], ...]
    kept: int
    until: datetime
    complete: bool


@dataclass(frozen=True)
class _Side:
    """The runs before or after the edit, and up to when they are known."""

    runs: tuple[Run, ...]
    reached: datetime


def preview_edit(template: Template, data: Any, *, now: datetime) -> EditPreview:
    """Return which runs of the next 30 days an edit adds, removes and moves; nothing is stored.

    Raises InvalidFields, TemplateGone, RecurrenceError.
    """
    columns = read_change(template, data, now=now).columns
    before = _stored(template, now)
    start = _start(template, now)
    old_start = start if template.active and template.set_aside_at is None else None
    new_start = start if columns["active"] else None
    after = None
    if new_start is not None:
        windows = windows_around(template.merchant, now, template)
        after = schedule_from(
            columns, windows=windows, born=template.created_at, start=now, seed=str(template.id)
        ).rules
    until = naive(now) + EDIT_HORIZON
    known = after or before
    return _compared(
        _side(before, old_start, template.created_at, until),
        _side(after, new_start, template.created_at, until),
        until,
        known.recurrence.zone if known else find_zone("UTC"),
    )


def _stored(template: Template, now: datetime) -> Rules | None:
    """Return the rules before the edit; None when they cannot be read, and so nothing is planned."""
    try:
        return schedule_of(template, now).rules
    except (InvalidFields, RecurrenceError):
        return None


def _start(template: Template, now: datetime) -> datetime | None:
    """Return from when on an active template runs; None when it is paused without an end."""
    if template.paused_at is None:
        return now
    return max(now, template.resume_at) if template.resume_at else None


def _side(rules: Rules | None, start: datetime | None, born: datetime, until: datetime) -> _Side:
    if rules is None or start is None or naive(start) > until:
        return _Side((), until)
    first = naive(start)
    planned: Plan = plan(
        rules,
        after=since_when(rules, start, born),
        until=until + rules.look_ahead,
        now=first,
        most=MOST_COMPARED,
        # Two plans are compared in the time of one.
        work=MOST_WORK // 2,
    )
    reached = until
    if planned.full:
        reached = max(first, min(until, planned.examined_to - rules.look_ahead))
    runs = tuple(run for run in planned.runs if first < run.run_at <= until)
    return _Side(runs, reached)


def _compared(old: _Side, new: _Side, until: datetime, zone: Zone) -> EditPreview:
    # Beyond what either plan reached nothing can be compared.
    reached = min(old.reached, new.reached)
    before = {run.named.scheduled: run for run in old.runs if run.run_at <= reached}
    after = {run.named.scheduled: run for run in new.runs if run.run_at <= reached}
    both = [(before[at], after[at]) for at in sorted(before.keys() & after.keys())]
    return EditPreview(
        zone=zone,
        added=tuple(after[at] for at in sorted(after.keys() - before.keys())),
        removed=tuple(before[at] for at in sorted(before.keys() - after.keys())),
        moved=tuple(pair for pair in both if pair[0].run_at != pair[1].run_at),
        kept=sum(1 for pair in both if pair[0].run_at == pair[1].run_at),
        until=reached,
        complete=reached == until,
    )
