"""Create, edit and delete maintenance windows; what they concern is planned again."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from jobs.operations.fields import Fields
from templates_app.calendars.windows import WindowMode
from templates_app.models import MaintenanceWindow, Template
from templates_app.operations.replanning import Around, one_at_a_time, replan_around
from templates_app.operations.window_draft import (
    TIMES,
    WINDOW_FIELDS,
    document_of_window,
    read_window,
)
from templates_app.planning.window_book import RecurringWindow, naive
from templates_app.recurrence.parse import parse
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


def create_window(data: Any, *, merchant: Merchant | None, now: datetime) -> MaintenanceWindow:
    """Store a window; without a merchant it is the platform's. Raises InvalidFields, TooManyWindows."""
    with transaction.atomic():
        one_at_a_time("windows", merchant.pk if merchant else None)
        window_id = new_id()
        columns = read_window(data, merchant=merchant, window_id=window_id, now=now)
        window = MaintenanceWindow(
            id=window_id, merchant=merchant, created_at=now, updated_at=now, **columns
        )
        _admit(window, now)
        window.save(force_insert=True)
        replan_around([_around(window, now)], merchant_id=window.merchant_id, now=now)
    return window


def edit_window(window: MaintenanceWindow, data: Any, *, now: datetime) -> MaintenanceWindow:
    """Change what `data` names; what the window held or skipped is planned again as well.

    Naming one sort of times (`starts_at` and `ends_at`, or `recurrence` and `duration`) gives the
    other up. Raises InvalidFields, TooManyWindows, WindowGone.
    """
    fields = Fields(data, WINDOW_FIELDS)
    if not fields.problems and not fields.data:
        fields.refuse(None, "nothing_to_change", "names nothing to change.")
    fields.raise_problems()
    with transaction.atomic():
        one_at_a_time("windows", window.merchant_id)
        window = _locked(window)
        wanted = _merged(document_of_window(window), fields.data)
        columns = read_window(wanted, merchant=window.merchant, window_id=window.pk, now=now)
        changed = [name for name, value in columns.items() if value != getattr(window, name)]
        before = _around(window, now)
        for name in changed:
            setattr(window, name, columns[name])
        if "template_id" in changed:
            _admit(window, now)
        window.updated_at = now
        window.save()
        if set(changed) - {"name"}:
            places = [before, _around(window, now)]
            replan_around(places, merchant_id=window.merchant_id, now=now)
    return window


def delete_window(window: MaintenanceWindow, *, now: datetime) -> None:
    """Delete a window: what it holds or skips from now on runs as planned. Raises WindowGone."""
    with transaction.atomic():
        one_at_a_time("windows", window.merchant_id)
        window = _locked(window)
        before = _around(window, now)
        window.delete()
        replan_around([before], merchant_id=before.merchant_id, now=now)


def _merged(document: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    once, again = TIMES[:2], TIMES[2:]
    for named, given_up in ((once, again), (again, once)):
        if any(changes.get(name) is not None for name in named):
            document |= dict.fromkeys(given_up)
    return document | dict(changes)


def _locked(window: MaintenanceWindow) -> MaintenanceWindow:
    if window.template_id is not None:
        # The template first: who deletes it locks it before its windows, too.
        template = Template.objects.select_for_update(no_key=True).filter(pk=window.template_id)
        template.values_list("pk", flat=True).first()
    locked = (
        MaintenanceWindow.objects.select_for_update(of=("self",))
        .select_related("merchant")
        .filter(pk=window.pk)
        .first()
    )
    if locked is None:
        raise WindowGone("The maintenance window was deleted.")
    return locked


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
        merchant_id=window.merchant_id,
        template_id=window.template_id,
        spans=_spans(window, now),
        since=window.pk,
    )


def _spans(window: MaintenanceWindow, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Return when the window is open: what it still releases, and a year ahead."""
    begin, end = now - LONGEST_RELEASE, now + FAR
    if window.recurrence is None:
        assert window.starts_at is not None
        assert window.ends_at is not None
        return ((window.starts_at, window.ends_at),) if window.ends_at > begin else ()
    recurring = RecurringWindow(
        recurrence=parse(window.recurrence, seed=str(window.pk)),
        lasts=timedelta(seconds=window.duration or 0),
        mode=WindowMode(window.mode),
        name=window.name,
        release_over=None,
    )
    spans = recurring.spans(naive(begin), naive(end))
    aware = [(one.start.replace(tzinfo=UTC), one.end.replace(tzinfo=UTC)) for one in spans]
    return (*aware, (end, END))
