"""What one walk over recurrences made of others may cost."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.moments import Moment, Schedule

# In steps of about a microsecond: a month taken away from every minute costs nine tenths of it.
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


class Combined(ABC):
    """A schedule whose moments are found by walking those of others."""

    __slots__ = ()

    @abstractmethod
    def walk(self, after: datetime, work: Work) -> Iterator[Moment]:
        """Yield what `moments` yields, on an account that others share."""

    def moments(self, after: datetime) -> Iterator[Moment]:
        """See `moments.Schedule`. Raises RecurrenceError `too_costly`.

        At most 100,000 steps are made, and 1,000 more for each moment yielded.
        """
        work = Work()
        for moment in self.walk(after, work):
            work.left += STEPS_A_MOMENT
            yield moment


def walked(schedule: Schedule, after: datetime, work: Work) -> Iterator[Moment]:
    """Yield a schedule's moments at the expense of `work`."""
    if isinstance(schedule, Combined):
        return schedule.walk(after, work)
    return schedule.moments(after)
