"""Wall-clock times: what a recurrence names before a time zone has its say."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol


class Walls(Protocol):
    """A stream of nominal local times.

    Naive datetimes with whole seconds, strictly increasing, the same on every call. Knows nothing
    of time zones: `templates_app.recurrence.timeline` maps it to instants by the DST policy.
    """

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield every nominal time at or after `start`, in order.

        The first costs microseconds wherever `start` lies: nothing is walked from the beginning.
        Ends when nothing follows, or after a search of 400 years, the Gregorian calendar's period.
        """
        ...
