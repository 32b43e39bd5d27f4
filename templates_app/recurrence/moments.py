"""What a schedule yields on its way to an occurrence."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol


class Note(StrEnum):
    """Why an occurrence is not simply at the time that was named."""

    GAP_SHIFTED = "gap_shifted"  # the local time does not exist; read with the offset before
    GAP_END = "gap_end"  # the local time does not exist; runs when the clocks have changed
    GAP_SKIPPED = "gap_skipped"  # the local time does not exist; does not run
    FIRST_PASS = "first_pass"  # noqa: S105 - the local time occurs twice; this is the first
    SECOND_PASS = "second_pass"  # noqa: S105 - this is the second
    MERGED = "merged"  # another occurrence fell on the same instant
    JITTERED = "jittered"


class Moment(NamedTuple):
    """One planned instant. Both instants are naive UTC; `nominal` is the wall time that was named.

    `due` is `scheduled` plus jitter. A moment with the note GAP_SKIPPED does not run; it stands
    where the gap ends.
    """

    scheduled: datetime
    due: datetime
    nominal: datetime
    notes: tuple[Note, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether anything happens at this moment."""
        return Note.GAP_SKIPPED not in self.notes


class Schedule(Protocol):
    """A stream of moments."""

    def moments(self, after: datetime) -> Iterator[Moment]:
        """Yield every moment scheduled after the naive UTC instant, in order of `scheduled`.

        No two that run share a `scheduled`. Ends when nothing follows.
        """
        ...
