"""The lane that this worker process serves; there is at most one."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class Lane(Protocol):
    """Takes what a message names. Returns how many attempts it began."""

    def execute(self, tickets: Sequence[tuple[UUID, int]]) -> int: ...


class NoLane(RuntimeError):
    """A message for a lane reached a process that serves none."""


_current: Lane | None = None


def serve(lane: Lane) -> None:
    """Make this process serve the lane."""
    global _current
    _current = lane


def current_lane() -> Lane:
    """Return the lane of this process. Raises NoLane."""
    if _current is None:
        raise NoLane(
            "This worker serves no lane. Start it by `celery -A taskflow worker -Q async -P threads`, "
            "`-Q process -P prefork` or `-Q command -P threads`."
        )
    return _current
