"""The items of a redrive: which have ended, which come next, and what became of those."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jobs.redrive_stages import ItemState
from jobs.statements import redriving
from tenants.statement import execute


@dataclass(frozen=True, slots=True)
class Next:
    """A letter whose turn has come; `resolution` is '' while it is open."""

    item_id: int
    letter_id: UUID
    job_id: UUID
    resolution: str


@dataclass(frozen=True, slots=True)
class Marked:
    """What becomes of an item, and why it is left out."""

    item_id: int
    state: ItemState
    note: str = ""


@dataclass(frozen=True, slots=True)
class SettledItem:
    """An item whose job has ended."""

    state: ItemState
    position: int
    job_id: UUID


def take_redrive(now: datetime) -> UUID | None:
    """Lock the redrive that waits longest for a step, until the transaction ends; None when none does."""
    found = execute(redriving.TAKE, now=now)
    return found[0][0] if found else None


def settle_items(redrive_id: UUID, *, limit: int) -> list[SettledItem]:
    """Note which of a redrive's jobs have ended, in the order of their letters."""
    rows = execute(redriving.SETTLE, redrive=redrive_id, limit=limit)
    items = [SettledItem(ItemState(state), position, job) for state, position, job in rows]
    return sorted(items, key=lambda item: item.position)


def new_error(job_id: UUID) -> tuple[str, str] | None:
    """Return code and message with which a redriven job failed again; None when somebody saw to it."""
    found = execute(redriving.NEW_ERROR, job=job_id)
    return (found[0][0], found[0][1]) if found else None


def next_items(redrive_id: UUID, *, limit: int) -> list[Next]:
    """Return the letters whose turn it is, in order."""
    return [Next(*row) for row in execute(redriving.NEXT, redrive=redrive_id, limit=limit)]


def mark_items(marks: Sequence[Marked]) -> None:
    """Write what became of waiting items."""
    execute(
        redriving.MARK,
        ids=[mark.item_id for mark in marks],
        states=[mark.state.value for mark in marks],
        notes=[mark.note[:300] for mark in marks],
    )


def forget_letters(*, now: datetime, limit: int) -> int:
    """Delete resolved letters that their merchants keep no longer; return how many, at most `limit`."""
    return len(execute(redriving.FORGET, now=now, limit=limit))


def forget_redrive_items(*, now: datetime, limit: int) -> int:
    """Delete the letters' parts of old redrives; the redrives with their counts stay."""
    return len(execute(redriving.FORGET_ITEMS, now=now, limit=limit))
