"""Have templates planned again when something around them changed: a calendar, a window."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction

from jobs.handlers.registry import InvalidPayload, UnknownKind
from templates_app import replan_statements
from templates_app.expander import plan_again
from templates_app.placeholders import PlaceholderError
from templates_app.recurrence.errors import RecurrenceError

logger = logging.getLogger(__name__)

# A merchant's change that concerns so few templates is answered with their new plans in place; more
# are left to the expander's next tick.
AT_ONCE = 50
FAULTS = (
    RecurrenceError,
    PlaceholderError,
    InvalidPayload,
    UnknownKind,
    DataError,
    IntegrityError,
)


@dataclass(frozen=True, kw_only=True)
class Around:
    """Whom a window concerns, and when: a template, else a merchant's, else everybody's templates.

    Spans are aware. `since` is the id of the window: nothing was skipped for it before.
    """

    merchant_id: UUID | None
    template_id: UUID | None
    spans: tuple[tuple[datetime, datetime], ...]
    since: UUID


@dataclass(frozen=True, slots=True)
class _Marked:
    count: int
    first: tuple[UUID, ...]


def replan_users_of(calendar_id: UUID, *, merchant_id: UUID | None, now: datetime) -> int:
    """Mark what uses a calendar, itself or through others; return how many templates that are.

    Call it in the transaction of the change, after it. Few templates of one merchant are planned at
    once.
    """
    marked = _mark(replan_statements.MARK_USERS_OF_CALENDAR, now, calendar=calendar_id)
    _plan_few([marked], merchant_id, now)
    return marked.count


def replan_around(places: Iterable[Around], *, merchant_id: UUID | None, now: datetime) -> int:
    """Mark templates that a window concerned or concerns now; return how many marks were made.

    Call it in the transaction of the change, after it.
    """
    marked = [_mark_around(place, now) for place in places]
    _plan_few(marked, merchant_id, now)
    return sum(one.count for one in marked)


def one_at_a_time(what: str, merchant_id: UUID | None) -> None:
    """Let no other change of this sort, of this merchant, in until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(replan_statements.ONE_AT_A_TIME, {"name": f"{what} of {merchant_id}"})


def _mark_around(place: Around, now: datetime) -> _Marked:
    if place.template_id is not None:
        return _mark(replan_statements.MARK_THESE, now, ids=[place.template_id])
    if not place.spans:
        return _Marked(0, ())
    spans = ",".join(f"[{start.isoformat()},{end.isoformat()})" for start, end in place.spans)
    values: dict[str, Any] = {"spans": f"{{{spans}}}", "since": place.since}
    if place.merchant_id is None:
        return _mark(replan_statements.MARK_EVERYBODY_AROUND, now, **values)
    return _mark(replan_statements.MARK_MERCHANT_AROUND, now, merchant=place.merchant_id, **values)


def _mark(statement: str, now: datetime, **values: Any) -> _Marked:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "now": now, "most": AT_ONCE + 1})
        row = cursor.fetchone()
    assert row is not None
    return _Marked(row[0], tuple(row[1]))


def _plan_few(marked: Sequence[_Marked], merchant_id: UUID | None, now: datetime) -> None:
    ids = {one for some in marked for one in some.first}
    if merchant_id is None or not 0 < len(ids) <= AT_ONCE:
        return
    try:
        with transaction.atomic():
            plan_again(sorted(ids), now, settings.TASKFLOW_EXPANSION)
    except FAULTS as error:
        # One template's fault is no reason to refuse the change. They all stay marked: the expander
        # plans the others, and sets that one aside with its reason.
        kind = type(error).__name__
        logger.warning("The templates of a change are left to the expander (%s).", kind)
