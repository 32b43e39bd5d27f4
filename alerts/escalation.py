"""The walk along an escalation policy. Pure: moments and ids in, a decision out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

OPENED = "opened"
ESCALATED = "escalated"
REMINDER = "reminder"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Whom to tell when nobody has acknowledged within `after` of the opening."""

    after: timedelta
    channels: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What is due now, and when somebody is told next; None: never again by itself."""

    event: str
    channels: tuple[UUID, ...]
    steps_done: int
    next_at: datetime | None


def read_steps(stored: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Return a policy's steps as they are stored, ordered by their time."""
    steps = (
        Step(
            after=timedelta(minutes=int(one["after"])),
            channels=tuple(UUID(channel) for channel in one["channels"]),
        )
        for one in stored
    )
    return tuple(sorted(steps, key=lambda step: step.after))


def due_notice(
    steps: Sequence[Step],
    *,
    steps_done: int,
    opened_at: datetime,
    repeat_after: timedelta | None,
    now: datetime,
    hurried: bool = False,
    woken: bool = False,
) -> Notice:
    """Return what an unacknowledged incident that is looked at now is owed.

    All steps whose time has come are taken together, and the one after them when they name nobody.
    After the last step everybody is told again. `hurried`: nobody could be told so far, so that the next
    step is taken before its time. `woken`: its snooze is over, so that those who know of it hear of it
    again when no other step is due.
    """
    taken = _due(steps[steps_done:], now - opened_at, hurried=hurried)
    next_at: datetime | None
    if not taken and steps_done < len(steps):
        known = _distinct(steps[:steps_done]) if woken else ()
        next_at = opened_at + steps[steps_done].after
        return Notice(event=REMINDER, channels=known, steps_done=steps_done, next_at=next_at)
    if not taken:
        everybody = _distinct(steps)
        next_at = now + repeat_after if repeat_after and steps else None
        return Notice(event=REMINDER, channels=everybody, steps_done=steps_done, next_at=next_at)
    done = steps_done + len(taken)
    if done < len(steps):
        next_at = max(opened_at + steps[done].after, now)
    else:
        next_at = now + repeat_after if repeat_after else None
    return Notice(
        event=ESCALATED if steps_done else OPENED,
        channels=_distinct(taken),
        steps_done=done,
        next_at=next_at,
    )


def _due(left: Sequence[Step], elapsed: timedelta, *, hurried: bool) -> Sequence[Step]:
    number = sum(step.after <= elapsed for step in left)
    if hurried and not number:
        number = min(1, len(left))
    while 0 < number < len(left) and not _distinct(left[:number]):
        number += 1
    return left[:number]


def _distinct(steps: Sequence[Step]) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys(channel for step in steps for channel in step.channels))
