"""The maintenance windows that apply to a batch of templates.

One that this release cannot read (tzdata lost its time zone) is left out: it holds nobody up, and
nobody knows when it is open. The log names it, and so do previews and its own page
(`templates_app.operations.unreadable`). Once it can be read again it counts again.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from uuid import UUID

from templates_app import statements
from templates_app.calendars.windows import Window, WindowMode
from templates_app.planning.rules import LOOK_BACK
from templates_app.planning.window_book import RecurringWindow, WindowBook, book_of, naive
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse_stored
from tenants.statement import execute

logger = logging.getLogger(__name__)
InForce: TypeAlias = Window | RecurringWindow


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
) -> dict[UUID | None, tuple[InForce, ...]]:
    """Return the readable windows by whom they concern (None: everybody)."""
    found: dict[UUID | None, tuple[InForce, ...]] = {}
    rows = execute(
        statements.WINDOWS_IN_FORCE,
        merchants=list(merchants),
        templates=list(templates),
        since=now - LOOK_BACK,
    )
    for row in map(WindowRow._make, rows):
        try:
            window = _once(row) if row.recurrence is None else _again(row)
        except RecurrenceError:
            _warn(row.id, now)
        else:
            owner = row.template_id or row.merchant_id
            found[owner] = (*found.get(owner, ()), window)
    return found


def book(windows: Iterable[InForce]) -> WindowBook | None:
    """Return the windows as one; None when there are none."""
    listed = list(windows)
    once = [one for one in listed if isinstance(one, Window)]
    again = [one for one in listed if isinstance(one, RecurringWindow)]
    return book_of(once, again)


# Once a step, which may read them several times with its one `now`.
@lru_cache(maxsize=1024)
def _warn(window_id: UUID, now: datetime) -> None:
    logger.warning("Maintenance window %s cannot be read; planning goes on without it.", window_id)


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
