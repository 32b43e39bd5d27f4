"""Have templates planned again when something around them changed: a calendar, a window.

Call these in the transaction of the change, after it, with `change_surroundings` at its beginning.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DataError, IntegrityError, transaction

from jobs.handlers.registry import InvalidPayload, UnknownKind
from templates_app import replan_statements
from templates_app.expander import plan_again
from templates_app.placeholders import PlaceholderError
from templates_app.recurrence.errors import RecurrenceError
from tenants.statement import execute

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
    """Whom a window concerns, and when: a template, else its owner's templates.

    Spans are aware. `since` is the id of the window: nothing was skipped for it before.
    """

    template_id: UUID | None
    spans: tuple[tuple[datetime, datetime], ...]
    since: UUID


@dataclass(frozen=True, slots=True)
class _Marked:
    count: int
    first: tuple[UUID, ...]


def replan_users_of(calendar_id: UUID, *, merchant_id: UUID | None, now: datetime) -> int:
    """Mark what uses a calendar, itself or through others; return how many templates that are.

    Few templates of one merchant are planned at once.
    """
    marked = _mark(replan_statements.MARK_USERS_OF_CALENDAR, now, calendar=calendar_id)
    _plan_few(marked, merchant_id, now)
    return marked.count


def replan_around(places: Iterable[Around], *, merchant_id: UUID | None, now: datetime) -> int:
    """Mark templates that one window concerned or concerns; return how many templates that are.

    The places of a window before and after a change count together. Few templates of one merchant
    are planned at once.
    """
    marked = _mark_around(tuple(places), merchant_id, now)
    _plan_few(marked, merchant_id, now)
    return marked.count


def _mark_around(places: tuple[Around, ...], merchant_id: UUID | None, now: datetime) -> _Marked:
    ids = [place.template_id for place in places if place.template_id is not None]
    wide = [place for place in places if place.template_id is None and place.spans]
    if not wide:
        return _mark(replan_statements.MARK_THESE, now, ids=ids) if ids else _Marked(0, ())
    values: dict[str, Any] = {"ids": ids, "spans": _multirange(wide), "since": wide[0].since}
    if merchant_id is None:
        return _mark(replan_statements.MARK_EVERYBODY_AROUND, now, **values)
    return _mark(replan_statements.MARK_MERCHANT_AROUND, now, merchant=merchant_id, **values)


def _multirange(places: Iterable[Around]) -> str:
    spans = (span for place in places for span in place.spans)
    return f"{{{','.join(f'[{start.isoformat()},{end.isoformat()})' for start, end in spans)}}}"


def _mark(statement: str, now: datetime, **values: Any) -> _Marked:
    [(count, first)] = execute(statement, **values, now=now, most=AT_ONCE + 1)
    return _Marked(count, tuple(first))


def _plan_few(marked: _Marked, merchant_id: UUID | None, now: datetime) -> None:
    if merchant_id is None or not 0 < marked.count <= AT_ONCE:
        return
    try:
        with transaction.atomic():
            plan_again(sorted(marked.first), now, settings.TASKFLOW_EXPANSION)
    except FAULTS as error:
        # One template's fault is no reason to refuse the change. They all stay marked: the expander
        # plans the others, and sets that one aside with its reason.
        kind = type(error).__name__
        logger.warning("The templates of a change are left to the expander (%s).", kind)
