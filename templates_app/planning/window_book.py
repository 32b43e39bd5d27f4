"""The maintenance windows that apply to a template, as spans near any moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from templates_app.calendars.windows import Window, WindowMode, Windows, recurring
from templates_app.recurrence.value import Recurrence

# Spans are computed for a month at a time, with room on both sides for the longest window and its
# release.
MONTH = timedelta(days=32)
ROOM = timedelta(days=33)
EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - naive UTC


@dataclass(frozen=True, slots=True)
class RecurringWindow:
    """A window that opens again and again, for `lasts` of elapsed time."""

    recurrence: Recurrence
    lasts: timedelta
    mode: WindowMode
    name: str
    release_over: timedelta | None

    def spans(self, start: datetime, end: datetime) -> list[Window]:
        """Return the windows that overlap the naive UTC range."""
        starts = []
        for moment in self.recurrence.moments(start - self.lasts):
            if moment.due >= end:
                break
            if moment.runs:
                starts.append(moment.due)
        return recurring(
            starts, self.lasts, self.mode, name=self.name, release_over=self.release_over
        )


@dataclass(frozen=True, slots=True)
class WindowBook:
    """Every window that applies; equal books share what they have computed."""

    once: tuple[Window, ...]
    again: tuple[RecurringWindow, ...]

    def near(self, instant: datetime) -> Windows:
        """Return the windows around a naive UTC instant: right for it and a month about it."""
        return _near(self, (instant - EPOCH) // MONTH)


@lru_cache(maxsize=1024)
def _near(book: WindowBook, month: int) -> Windows:
    start, end = EPOCH + month * MONTH - ROOM, EPOCH + (month + 1) * MONTH + ROOM
    spans = [window for window in book.once if window.end > start and window.start < end]
    for one in book.again:
        spans += one.spans(start, end)
    return Windows(spans)


def naive(moment: datetime) -> datetime:
    """Return an aware moment as naive UTC."""
    if moment.tzinfo is UTC:
        return moment.replace(tzinfo=None)  # as the database gives it
    return moment.astimezone(UTC).replace(tzinfo=None)


def book_of(once: Iterable[Window], again: Iterable[RecurringWindow]) -> WindowBook | None:
    """Return the book; None when no window applies."""
    book = WindowBook(tuple(once), tuple(again))
    return book if book.once or book.again else None
