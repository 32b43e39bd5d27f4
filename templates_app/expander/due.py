"""A template as the expander reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from templates_app.planning.misfires import MisfirePolicy

REMEMBERED = timedelta(days=35)
MOST_REMEMBERED = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class DueTemplate:
    """One claimed row. Times are aware; JSON comes as text where it may be passed through."""

    id: UUID
    merchant_id: UUID
    merchant_slug: str
    merchant_name: str
    merchant_active: bool
    name: str
    kind: str
    payload: dict[str, Any]
    has_placeholders: bool
    priority: int
    max_attempts: int
    backoff: dict[str, Any] | None
    timeout: float
    tags: list[str]
    metadata: dict[str, Any]
    recurrence: str
    avoid: tuple[UUID, ...]
    keep_to: tuple[UUID, ...]
    on_closed: str
    misfire: MisfirePolicy
    overlap: str
    paused_at: datetime | None
    resume_at: datetime | None
    expanded_to: datetime | None
    replan: bool
    failures: int
    created_at: datetime
    active: bool = True
    # Whether the expander looks after it: it is active, not set aside, not ended, not paused for good.
    expands: bool = True
    # Nominal moment -> occurrence_at of what calendars moved, naive UTC.
    moved: Mapping[datetime, datetime] = field(default_factory=dict)
    concurrency_key: str = ""
    concurrency_limit: int | None = None
    # The recurrence that its present rows and jobs were made by; an edit may have replaced it.
    planned_by: str = ""

    def is_fresh(self) -> bool:
        """Whether it is planned from now on, not from where the last expansion ended."""
        return self.replan or self.expanded_to is None or self.paused_at is not None

    def is_paused(self, now: datetime) -> bool:
        """Whether it is paused, and the time to resume has not come."""
        if self.paused_at is None:
            return False
        return self.resume_at is None or self.resume_at > now


def due_template(row: tuple[Any, ...]) -> DueTemplate:
    """Read what CLAIM_DUE and its like return."""
    return DueTemplate(
        id=row[0],
        merchant_id=row[1],
        merchant_slug=row[2],
        merchant_name=row[3],
        merchant_active=row[4],
        name=row[5],
        kind=row[6],
        payload=json.loads(row[7]),
        has_placeholders="{{" in row[7] or "{%" in row[7],
        priority=row[8],
        max_attempts=row[9],
        backoff=json.loads(row[10]) if row[10] is not None else None,
        timeout=row[11],
        tags=row[12],
        metadata=json.loads(row[13]),
        recurrence=row[14],
        avoid=tuple(row[15]),
        keep_to=tuple(row[16]),
        on_closed=row[17],
        misfire=MisfirePolicy(
            policy=row[18],
            grace=timedelta(seconds=row[19]),
            window=timedelta(seconds=row[20]),
            limit=row[21],
        ),
        overlap="" if row[22] == "allow" else row[22],
        paused_at=row[23],
        resume_at=row[24],
        expanded_to=row[25],
        replan=row[26],
        failures=row[27],
        active=row[28],
        expands=row[29],
        moved=read_moved(row[30]),
        planned_by=row[14],
        created_at=row[31],
        concurrency_key=row[32],
        concurrency_limit=row[33],
    )


def read_moved(text: str) -> dict[datetime, datetime]:
    """Read a template's `moved`."""
    if text == "{}":
        return {}
    parsed = datetime.fromisoformat
    return {parsed(nominal): parsed(at) for nominal, at in json.loads(text).items()}


def remembered(moved: Mapping[datetime, datetime], now: datetime) -> dict[datetime, datetime]:
    """Return what is worth keeping of a template's `moved`: the latest of the last five weeks."""
    pairs = [pair for pair in moved.items() if max(pair) > now - REMEMBERED]
    return dict(sorted(pairs, key=max)[-MOST_REMEMBERED:])


def aware(moment: datetime) -> datetime:
    """Return a naive UTC moment as the database takes it."""
    return moment.replace(tzinfo=UTC)
