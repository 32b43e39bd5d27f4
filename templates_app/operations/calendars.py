"""Create, import, edit and delete calendars; templates that use a changed one are planned again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from templates_app.calendars.ics import Imported, read_ics
from templates_app.models import Calendar, Template
from templates_app.operations.audited import differences, record_of, told
from templates_app.operations.calendar_draft import (
    check_includes,
    ics_problem,
    read_calendar,
    read_changes,
    read_ics_body,
)
from templates_app.operations.replanning import replan_users_of
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.surroundings_lock import change_surroundings
from tenants.audit import SYSTEM, Actor
from tenants.identifiers import new_id
from tenants.models import Merchant

MOST_CALENDARS = 1_000
MOST_NAMED = 3
MOST_COUNTED = 1_000


class CalendarGone(Exception):
    """The calendar was deleted meanwhile."""


class TooManyCalendars(Exception):
    """The merchant has as many calendars as it may have."""


class CalendarInUse(Exception):
    """Templates or other calendars use the calendar; it cannot be deleted."""

    code = "calendar_in_use"


@dataclass(frozen=True, kw_only=True)
class ImportedCalendar:
    """The calendar that an iCalendar file became, and what its reader should know."""

    calendar: Calendar
    cautions: tuple[Caution, ...]


def create_calendar(
    data: Any, *, merchant: Merchant | None, now: datetime, by: Actor = SYSTEM
) -> Calendar:
    """Store a calendar; without a merchant it is the platform's.

    Raises InvalidFields, TooManyCalendars.
    """
    columns = read_calendar(data, merchant=merchant)
    calendar = Calendar(id=new_id(), merchant=merchant, created_at=now, updated_at=now, **columns)
    with transaction.atomic():
        change_surroundings()
        _admit(merchant)
        check_includes(calendar, kept=())
        calendar.save(force_insert=True)
        record_of("create", calendar, by, after=told(calendar))
    return calendar


def edit_calendar(calendar: Calendar, data: Any, *, now: datetime, by: Actor = SYSTEM) -> Calendar:
    """Change what `data` names, and have planned again what uses it. Raises InvalidFields, CalendarGone."""
    changes = read_changes(data, calendar)
    with transaction.atomic():
        change_surroundings()
        locked = _locked(calendar)
        before = told(locked)
        stored = _store(locked, changes, now)
        record_of("edit", stored, by, **differences(before, told(stored)))
        return stored


def import_calendar(
    data: Any, *, merchant: Merchant | None, now: datetime, by: Actor = SYSTEM
) -> ImportedCalendar:
    """Store what an iCalendar file (`ics`) holds under a `name`.

    Raises InvalidFields, TooManyCalendars.
    """
    name, content = read_ics_body(data)
    imported = _read(content, now)
    calendar = create_calendar(
        {"name": name, "definition": imported.document}, merchant=merchant, now=now, by=by
    )
    return ImportedCalendar(calendar=calendar, cautions=imported.cautions)


def import_again(
    calendar: Calendar, data: Any, *, now: datetime, by: Actor = SYSTEM
) -> ImportedCalendar:
    """Replace a calendar's definition by what a newer file holds. Raises InvalidFields, CalendarGone."""
    name, content = read_ics_body(data)
    imported = _read(content, now)
    changes: dict[str, Any] = {"definition": imported.document}
    if name:
        changes["name"] = name
    return ImportedCalendar(
        calendar=edit_calendar(calendar, changes, now=now, by=by), cautions=imported.cautions
    )


def delete_calendar(calendar: Calendar, *, by: Actor = SYSTEM) -> None:
    """Delete a calendar that nothing uses. Raises CalendarInUse, CalendarGone."""
    with transaction.atomic():
        change_surroundings()
        calendar = _locked(calendar)
        users = [*_templates_using(calendar.pk), *_calendars_including(calendar.pk)]
        if users:
            raise CalendarInUse(
                f"The calendar is in use: {' and '.join(users)}. Take it out of them first."
            )
        record_of("delete", calendar, by, before=told(calendar))
        calendar.delete()


def _read(content: str, now: datetime) -> Imported:
    try:
        # What was not UTF-8 is told by the reader of the file.
        return read_ics(content.encode("utf-8", "surrogateescape"), today=now.date())
    except RecurrenceError as error:
        raise ics_problem(error) from error


def _admit(merchant: Merchant | None) -> None:
    if merchant is None:
        return
    ids = Calendar.objects.of(merchant).order_by().values("pk")
    if ids[:MOST_CALENDARS].count() >= MOST_CALENDARS:
        raise TooManyCalendars(f"You can have {MOST_CALENDARS:,} calendars. Delete some.")


def _locked(calendar: Calendar) -> Calendar:
    locked = (
        Calendar.objects.select_for_update(of=("self",))
        .select_related("merchant")
        .filter(pk=calendar.pk)
        .first()
    )
    if locked is None:
        raise CalendarGone("The calendar was deleted.")
    return locked


def _store(calendar: Calendar, changes: dict[str, Any], now: datetime) -> Calendar:
    included = calendar.includes
    changed = {name for name, value in changes.items() if value != getattr(calendar, name)}
    for name, value in changes.items():
        setattr(calendar, name, value)
    if changed & {"definition", "includes"}:
        check_includes(calendar, kept=included)
    calendar.updated_at = now
    calendar.save(update_fields=[*changes, "updated_at"])
    if changed & {"definition", "includes"}:
        replan_users_of(calendar.pk, merchant_id=calendar.merchant_id, now=now)
    return calendar


def _templates_using(calendar_id: UUID) -> list[str]:
    # Indexes template_avoids and template_keeps_to are partial: each arm names its condition.
    avoiding = Q(avoid__contains=[calendar_id]) & ~Q(avoid=[])
    keeping = Q(keep_to__contains=[calendar_id]) & ~Q(keep_to=[])
    using = Template.objects.filter(avoiding | keeping).order_by()
    return _told(list(using.values_list("name", flat=True)[: MOST_COUNTED + 1]), "template")


def _calendars_including(calendar_id: UUID) -> list[str]:
    rows = Calendar.objects.filter(includes__contains=[calendar_id]).exclude(includes=[]).order_by()
    return _told(list(rows.values_list("name", flat=True)[: MOST_COUNTED + 1]), "calendar")


def _told(names: list[str], noun: str) -> list[str]:
    """Say how many there are and name a few: '5 templates ("A", "B", "C" and 2 more)'."""
    if not names:
        return []
    shown = ", ".join(f'"{name}"' for name in names[:MOST_NAMED])
    if len(names) > MOST_COUNTED:
        return [f"more than {MOST_COUNTED:,} {noun}s ({shown} and others)"]
    left = len(names) - MOST_NAMED
    if left > 0:
        shown += f" and {left:,} more"
    return [f"{len(names):,} {noun}{'' if len(names) == 1 else 's'} ({shown})"]
