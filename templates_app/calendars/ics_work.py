"""How much work one iCalendar file may cause, shared by all of its events."""

from templates_app.calendars.ics_events import bad_event
from templates_app.recurrence.errors import RecurrenceError

# A point is at most some eight microseconds of work: about a second in all.
MOST_POINTS = 150_000


class Work:
    """What a file may still spend on its repetitions.

    Counted in steps, not in seconds: a file is read everywhere, or refused everywhere.
    """

    def __init__(self, points: int = MOST_POINTS) -> None:
        self._left = points

    def spend(self, points: int, name: str) -> None:
        """Take points off for the event of this name. Raises RecurrenceError `bad_ics`."""
        self._left -= points
        if self._left < 0:
            raise _too_often(name)


def _too_often(name: str) -> RecurrenceError:
    return bad_event(
        name,
        "RRULE",
        "it repeats too often, together with the events before it",
        hint="Split the file, or write what repeats as weekly hours or days of every year.",
    )
