"""Rows that a plan wrote about the time ahead, when another plan takes its place."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from templates_app import statements
from templates_app.expander.due import DueTemplate, aware
from templates_app.expander.rows import TICK, planned_by
from templates_app.planning.window_book import naive
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.value import Recurrence
from tenants.statement import execute


class _Row(NamedTuple):
    id: UUID
    template_id: UUID
    first_at: datetime
    last_at: datetime
    occurrences: int


def replace_planned_rows(templates: Iterable[DueTemplate], now: datetime) -> None:
    """Delete what lies ahead of these templates' planned rows: one statement, one more to cut.

    A row that reaches over now keeps what has passed. It covers every moment that its recurrence
    names between its ends, so that can be counted.
    """
    by_id = {template.id: template for template in templates}
    if not by_id:
        return
    found = execute(statements.REPLACE_PLANNED_SKIPS, ids=list(by_id), now=now)
    cut = [_cut(row, by_id[row.template_id], naive(now)) for row in map(_Row._make, found)]
    if cut:
        execute(
            statements.CUT_SKIPS,
            ids=[one for one, _, _ in cut],
            lasts=[aware(last) for _, last, _ in cut],
            counts=[count for _, _, count in cut],
        )


def _cut(row: _Row, template: DueTemplate, now: datetime) -> tuple[UUID, datetime, int]:
    recurrence = planned_by(template)
    last, count = naive(row.first_at), 1
    if recurrence is not None:
        last, count = _passed(recurrence, last, now)
    return row.id, last, min(count, row.occurrences)


def _passed(recurrence: Recurrence, first: datetime, now: datetime) -> tuple[datetime, int]:
    """Return the last moment up to now and how many there are from `first` on, at least that one."""
    last, count = first, 0
    try:
        for moment in recurrence.moments(first - TICK):
            if moment.scheduled > now:
                break
            last, count = moment.scheduled, count + 1
    except RecurrenceError:
        # It cannot be searched any further: what was counted is true.
        pass
    return last, max(count, 1)
