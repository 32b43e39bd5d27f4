"""Create, edit, pause, resume and delete templates; each replaces the plan in its transaction."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from jobs import lifecycle
from jobs.operations.fields import Fields
from templates_app.expander import catch_up, plan_claimed, write_off
from templates_app.expander.batch import Written, read_these
from templates_app.expander.due import DueTemplate, aware
from templates_app.models import Template
from templates_app.operations.audited import differences, record_of, told
from templates_app.operations.draft import read_change, read_draft
from templates_app.operations.quota import admit
from templates_app.operations.row import lock_row, store_row
from templates_app.operations.unreadable import Unplanned, explained
from templates_app.recurrence.errors import RecurrenceError
from templates_app.surroundings_lock import hold_surroundings
from tenants.audit import SYSTEM, Actor
from tenants.identifiers import new_id
from tenants.models import Merchant

TICK = timedelta(microseconds=1)
MAX_NOTE = 500


class TemplateGone(Exception):
    """The template was deleted meanwhile."""


def create_template(
    data: Any, *, merchant: Merchant, now: datetime, by: Actor = SYSTEM
) -> Template:
    """Store a template and plan its first occurrences. Raises InvalidFields, TooManyTemplates."""
    template_id = new_id()
    with explained(), transaction.atomic():
        hold_surroundings()
        draft = read_draft(data, merchant=merchant, template_id=template_id, now=now)
        admit(merchant, adding=1)
        template = Template(id=template_id, merchant=merchant, created_at=now, **draft.columns)
        stored = _store(template, now)
        record_of("create", stored, by, after=told(stored))
        return stored


def edit_template(template: Template, data: Any, *, now: datetime, by: Actor = SYSTEM) -> Template:
    """Change what `data` names; waiting jobs are replaced, running ones finish.

    Raises InvalidFields, TemplateGone.
    """
    with explained(), transaction.atomic():
        template = _caught_up(template, now)
        draft = read_change(template, data, now=now)
        before, told_before = template.recurrence, told(template)
        if draft.columns["active"] != template.active:
            _switch(template, now)
        for name, value in draft.columns.items():
            setattr(template, name, value)
        template.set_aside_at, template.set_aside_reason = None, ""
        template.expansion_failures = 0
        stored = _store(template, now, before=before)
        record_of("edit", stored, by, **differences(told_before, told(stored)))
        return stored


def pause_template(template: Template, data: Any, *, now: datetime, by: Actor) -> Template:
    """Stop planning, with a note and perhaps a time to resume. Raises InvalidFields, TemplateGone."""
    fields = Fields(data, ("note", "resume_at"))
    note = fields.text("note", longest=MAX_NOTE)
    resume_at = fields.moment("resume_at")
    if resume_at is not None and resume_at <= now:
        fields.refuse("resume_at", "too_early", "has passed; choose a later time or leave it out.")
    fields.raise_problems()
    with explained(), transaction.atomic():
        template = _caught_up(template, now)
        if _is_over(template, now):
            # What it was owed since is decided on when it goes on again.
            assert template.resume_at is not None
            template.expanded_to = template.resume_at - TICK
            _end_pause(template)
        template.paused_at = template.paused_at or now
        template.paused_by = by.shown
        template.pause_note = note
        template.resume_at = resume_at
        if resume_at is not None:
            # One that was set aside is tried again then; the reason stays until that works.
            template.set_aside_at = None
            template.expansion_failures = 0
        stored = _store(template, now)
        record_of("pause", stored, by, after={"note": note, "resume_at": resume_at})
        return stored


def resume_template(template: Template, *, now: datetime, by: Actor = SYSTEM) -> Template:
    """Go on from now; what fell into the pause is not made up for. Raises TemplateGone.

    A template that was set aside is tried again, and its misfire policy decides on what it missed.
    """
    with explained(), transaction.atomic():
        template = _locked(template)
        before = {"paused_at": template.paused_at, "set_aside_at": template.set_aside_at}
        _unpause(template, now)
        template.set_aside_at, template.set_aside_reason = None, ""
        template.expansion_failures = 0
        stored = _store(template, now)
        record_of("resume", stored, by, before=before)
        return stored


def delete_template(template: Template, *, now: datetime, by: Actor = SYSTEM) -> None:
    """Delete a template: its waiting jobs are cancelled, running ones finish, finished ones stay.

    Its rows of what did not run go with it.
    """
    with transaction.atomic():
        template = _locked(template)
        lifecycle.cancel_plans(template_id=template.id, now=now)
        record_of("delete", template, by, before=told(template))
        template.delete()


def _locked(template: Template) -> Template:
    """Lock the row before anything is decided: an expander that holds it finishes first.

    No key lock: the engine's rows of skipped occurrences refer to the template meanwhile.
    """
    locked = lock_row(template.pk)
    if locked is None:
        raise TemplateGone("The template was deleted.")
    # A template never changes hands, so what was loaded of its merchant still holds.
    locked.merchant = template.merchant
    return locked


def _caught_up(template: Template, now: datetime) -> Template:
    """Lock the row, after the policies before the change have decided on what is overdue."""
    template = _locked(template)
    if template.next_expansion_at is not None and (
        template.next_expansion_at <= now or _is_behind(template, now)
    ):
        written = catch_up([template.id], now, settings.TASKFLOW_EXPANSION)
        _with_its_place(template, written)
    return template


def _is_behind(template: Template, now: datetime) -> bool:
    """Whether part of its past is not decided on, since it could not be expanded."""
    if _is_over(template, now):
        return True
    return template.expanded_to is not None and template.expanded_to < (template.paused_at or now)


def _is_over(template: Template, now: datetime) -> bool:
    """Whether its pause has ended by its date, and no expander has come by since."""
    return (
        template.paused_at is not None
        and template.resume_at is not None
        and template.resume_at <= now
    )


def _switch(template: Template, now: datetime) -> None:
    """Let nothing of an inactive time be made up for, nor anything before it be forgotten."""
    if template.active:
        if _is_behind(template, now):
            write_off([template.id], now)
    elif _is_over(template, now):
        _end_pause(template)
    template.expanded_to = now


def _unpause(template: Template, now: datetime) -> None:
    if template.paused_at is None:
        return
    if _is_behind(template, now):
        # The expander decides on what was missed before the pause and since, and ends the pause.
        template.resume_at = min(template.resume_at or now, now)
        return
    template.expanded_to = now
    _end_pause(template)


def _end_pause(template: Template) -> None:
    template.paused_at = template.resume_at = None
    template.paused_by = template.pause_note = ""


def _store(template: Template, now: datetime, *, before: Any = None) -> Template:
    """Write the row and plan anew from now on. `before`: the recurrence that was replaced."""
    template.updated_at = now
    template.replan = True
    template.next_expansion_at = _first_expansion(template, now)
    stored = _stored(template)
    if before is not None:
        stored = replace(stored, planned_by=json.dumps(before))
    try:
        written = plan_claimed([stored], now, settings.TASKFLOW_EXPANSION)
    except RecurrenceError as error:
        raise Unplanned(template, error) from error
    return _with_its_place(template, written)


def _stored(template: Template) -> DueTemplate:
    if not template._state.adding:  # noqa: SLF001 - Django names it as public API
        return store_row(template)
    template.save()
    return read_these([template.id])[template.id]


def _with_its_place(template: Template, written: Written) -> Template:
    """Say what the expander has written of it."""
    stand = written.stands.get(template.id)
    if stand is None or template.paused_at is not None:
        # Left alone, put off, or its pause has ended.
        merchant = template.merchant
        template.refresh_from_db()
        template.merchant = merchant
        return template
    if stand.expanded_to is not None:
        template.expanded_to = aware(stand.expanded_to)
    if stand.moved is not None:
        template.moved = stand.moved
    ahead = stand.next_expansion_at
    template.next_expansion_at = None if ahead is None else aware(ahead)
    template.replan = False
    return template


def _first_expansion(template: Template, now: datetime) -> datetime | None:
    if not template.active or template.set_aside_at is not None:
        return None
    return template.resume_at if template.paused_at is not None else now
