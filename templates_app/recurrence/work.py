"""What one walk over recurrences made of others may cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.moments import Moment, Schedule

# In steps of about a microsecond. A minute of every month that is taken away costs two.
MOST_STEPS = 100_000
# What each moment that the walk yields allows it besides.
STEPS_A_MOMENT = 1_000


@dataclass(slots=True)
class Work:
    """One walk's account, shared by all its parts: nesting does not multiply what it may cost."""

    left: int = MOST_STEPS

    def spend(self, steps: int) -> None:
        """Raise RecurrenceError `too_costly` when nothing is left for so many steps."""
        self.left -= steps
        if self.left < 0:
            raise RecurrenceError(
                "too_costly",
                "minus",
                "Too much is taken away: what is left is too rare to be searched for.",
                hint="Take away less, or name what is left directly.",
            )


@runtime_checkable
class Combined(Protocol):
    """A schedule whose moments are found by walking those of others."""

    def walk(self, after: datetime, work: Work) -> Iterator[Moment]:
        """Yield what `moments` yields. Raises RecurrenceError `too_costly`."""
        ...


def walked(schedule: Schedule, after: datetime, work: Work) -> Iterator[Moment]:
    """Yield a schedule's moments at the expense of `work`."""
    if isinstance(schedule, Combined):
        return schedule.walk(after, work)
    return schedule.moments(after)


def allowed(combined: Combined, after: datetime) -> Iterator[Moment]:
    """Yield the moments of a walk of its own, whose account grows with what it yields."""
    work = Work()
    for moment in combined.walk(after, work):
        work.left += STEPS_A_MOMENT
        yield moment
