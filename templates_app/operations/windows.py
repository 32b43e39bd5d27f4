"""Create, edit and delete maintenance windows; what they concern is planned again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from templates_app.calendars.windows import WindowMode
from templates_app.models import MaintenanceWindow
from templates_app.operations.audited import differences, record_of, told
from templates_app.operations.replanning import Around, replan_around
from templates_app.operations.window_draft import (
    document_of_window,
    keep_templates,
    read_window,
    read_window_change,
    unknown_template,
)
from templates_app.planning.window_book import RecurringWindow, naive
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse
from templates_app.surroundings_lock import change_surroundings
from tenants.audit import SYSTEM, Actor
from tenants.identifiers import new_id
from tenants.models import Merchant

# Every one of them is looked at for every template of the merchant.
MOST_OF_MERCHANT = 100
MOST_OF_TEMPLATE = 20
# A release takes a day at most after the window.
LONGEST_RELEASE = timedelta(days=1)
# Jobs planned beyond are taken to lie in a recurring window: they are few.
FAR = timedelta(days=366)
END = datetime(9999, 1, 1, tzinfo=UTC)


class WindowGone(Exception):
    """The window was deleted meanwhile."""


class TooManyWindows(Exception):
    """The merchant, or the template, has as many windows ahead as it may have."""


@dataclass(frozen=True, kw_only=True)
class _Edit:
    """A change, worked out against a window's row as it was read: `found`."""

    found: dict[str, Any]
    columns: dict[str, Any]
    places: tuple[Around, Around]


def create_window(
    data: Any, *, merchant: Merchant | None, now: datetime, by: Actor = SYSTEM
) -> MaintenanceWindow:
    """Store a window; without a merchant it is the platform's. Raises InvalidFields, TooManyWindows."""
    window_id = new_id()
    columns = read_window(data, merchant=merchant, window_id=window_id, now=now)
    window = MaintenanceWindow(
        id=window_id, merchant=merchant, created_at=now, updated_at=now, **columns
    )
    place = _around(window, now)
    with transaction.atomic():
        change_surroundings()
        _keep_templates(window, window.template_id)
        _admit(window, now)
        window.save(force_insert=True)
        replan_around([place], merchant_id=window.merchant_id, now=now)
        record_of("create", window, by, after=told(window))
    return window


def edit_window(
    window: MaintenanceWindow, data: Any, *, now: datetime, by: Actor = SYSTEM
) -> MaintenanceWindow:
    """Change what `data` names; what the window held or skipped is planned again as well.

    Naming one sort of times (`starts_at` and `ends_at`, or `recurrence` and `duration`) gives the
    other up. Raises InvalidFields, TooManyWindows, WindowGone.
    """
    edit = _read_edit(window, data, now)
    with transaction.atomic():
        change_surroundings()
        window = _current(window)
        if document_of_window(window) != edit.found:
            # Somebody was faster; rare enough to work it out again under the lock.
            edit = _read_edit(window, data, now)
        _keep_templates(window, edit.columns["template_id"])
        before = told(window)
        stored = _store(window, edit, now)
        record_of("edit", stored, by, **differences(before, told(stored)))
        return stored


def delete_window(window: MaintenanceWindow, *, now: datetime, by: Actor = SYSTEM) -> None:
    """Delete a window: what it holds or skips from now on runs as planned. Raises WindowGone."""
    found, before = document_of_window(window), _around(window, now)
    with transaction.atomic():
        change_surroundings()
        window = _current(window)
        if document_of_window(window) != found:
            before = _around(window, now)
        _keep_templates(window, None)
        record_of("delete", window, by, before=told(window))
        window.delete()
        replan_around([before], merchant_id=window.merchant_id, now=now)


def _read_edit(window: MaintenanceWindow, data: Any, now: datetime) -> _Edit:
    columns = read_window_change(window, data, now=now)
    wanted = MaintenanceWindow(id=window.pk, merchant=window.merchant, **columns)
    return _Edit(
        found=document_of_window(window),
        columns=columns,
        places=(_around(window, now), _around(wanted, now)),
    )


def _store(window: MaintenanceWindow, edit: _Edit, now: datetime) -> MaintenanceWindow:
    changed = {name for name, value in edit.columns.items() if value != getattr(window, name)}
    for name in changed:
        setattr(window, name, edit.columns[name])
    if "template_id" in changed:
        _admit(window, now)
    window.updated_at = now
    window.save(force_update=True)
    if changed - {"name"}:
        replan_around(edit.places, merchant_id=window.merchant_id, now=now)
    return window


def _current(window: MaintenanceWindow) -> MaintenanceWindow:
    """Read the row once nobody else can change it: all do so under the lock of the surroundings."""
    rows = MaintenanceWindow.objects.select_related("merchant")
    current = rows.filter(pk=window.pk).first()
    if current is None:
        raise WindowGone("The maintenance window was deleted.")
    return current


def _keep_templates(window: MaintenanceWindow, to: UUID | None) -> None:
    """Lock the template that has the window and the one that is to have it, both at once."""
    found = keep_templates({window.template_id, to}, window.merchant)
    if to is not None and to not in found:
        raise unknown_template()
    if window.template_id is not None and window.template_id not in found:
        raise WindowGone("The maintenance window was deleted with its template.")


def _admit(window: MaintenanceWindow, now: datetime) -> None:
    if window.merchant_id is None:
        return
    ahead = Q(ends_at__gt=now) | Q(ends_at=None)
    same = MaintenanceWindow.objects.filter(ahead, merchant_id=window.merchant_id)
    if window.template_id is None:
        same, most, whose = same.filter(template__isnull=True), MOST_OF_MERCHANT, "You"
    else:
        same, most = same.filter(template_id=window.template_id), MOST_OF_TEMPLATE
        whose = "A template"
    if same.exclude(pk=window.pk).count() >= most:
        raise TooManyWindows(
            f"{whose} can have {most} maintenance windows ahead. Delete some, or let one recur."
        )


def _around(window: MaintenanceWindow, now: datetime) -> Around:
    return Around(
        template_id=window.template_id,
        spans=_spans(window, now),
        since=window.pk,
    )


def _spans(window: MaintenanceWindow, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Return when the window may be open: what it still releases, and a year ahead in detail."""
    begin, end = now - LONGEST_RELEASE, now + FAR
    if window.recurrence is None:
        assert window.starts_at is not None
        assert window.ends_at is not None
        return ((window.starts_at, window.ends_at),) if window.ends_at > begin else ()
    try:
        recurrence = parse(window.recurrence, seed=str(window.pk))
    except RecurrenceError:
        # Stored by another release: nobody knows any more when it is open.
        return ((begin, END),)
    recurring = RecurringWindow(
        recurrence=recurrence,
        lasts=timedelta(seconds=window.duration or 0),
        mode=WindowMode(window.mode),
        name=window.name,
        release_over=None,
    )
    spans = recurring.spans(naive(begin), naive(end))
    aware = [(one.start.replace(tzinfo=UTC), one.end.replace(tzinfo=UTC)) for one in spans]
    return (*aware, (end, END))
