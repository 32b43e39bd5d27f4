"""The maintenance windows that apply to a batch of templates."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from templates_app import statements
from templates_app.calendars.windows import Window, WindowMode
from templates_app.expander.execution import execute
from templates_app.planning.rules import LOOK_BACK
from templates_app.planning.window_book import RecurringWindow, WindowBook, book_of, naive
from templates_app.recurrence.parse import parse_stored


class WindowRow(NamedTuple):
    """What WINDOWS_IN_FORCE returns."""

    id: UUID
    merchant_id: UUID | None
    template_id: UUID | None
    name: str
    mode: str
    starts_at: datetime | None
    ends_at: datetime | None
    recurrence: str | None
    duration: int | None
    release_over: int | None


def windows_in_force(
    merchants: set[UUID], templates: set[UUID], now: datetime
) -> dict[UUID | None, tuple[WindowRow, ...]]:
    """Return the windows by whom they concern (None: everybody)."""
    found: dict[UUID | None, tuple[WindowRow, ...]] = {}
    rows = execute(
        statements.WINDOWS_IN_FORCE,
        merchants=list(merchants),
        templates=list(templates),
        since=now - LOOK_BACK,
    )
    for row in map(WindowRow._make, rows):
        owner = row.template_id or row.merchant_id
        found[owner] = (*found.get(owner, ()), row)
    return found


def book(rows: Iterable[WindowRow]) -> WindowBook | None:
    """Return the windows as one; None when there are none."""
    listed = list(rows)
    once = [_once(row) for row in listed if row.recurrence is None]
    again = [_again(row) for row in listed if row.recurrence is not None]
    return book_of(once, again)


def _once(row: WindowRow) -> Window:
    assert row.starts_at is not None
    assert row.ends_at is not None
    return Window(
        naive(row.starts_at), naive(row.ends_at), WindowMode(row.mode), row.name, _release(row)
    )


def _again(row: WindowRow) -> RecurringWindow:
    assert row.recurrence is not None
    return RecurringWindow(
        recurrence=parse_stored(row.recurrence, seed=str(row.id)),
        lasts=timedelta(seconds=row.duration or 0),
        mode=WindowMode(row.mode),
        name=row.name,
        release_over=_release(row),
    )


def _release(row: WindowRow) -> timedelta | None:
    return timedelta(seconds=row.release_over) if row.release_over else None
