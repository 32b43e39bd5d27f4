"""What was missed so long ago, or so hopelessly, that no policy makes up for it: counted, not planned."""

from datetime import datetime

from templates_app.planning.plan import Skip
from templates_app.recurrence.value import Recurrence

MOST_COUNTED = 50_000
TOO_LONG_AGO = "Missed in an outage, longer ago than the template makes up for."
TOO_MANY = "Missed in an outage, among more occurrences than one plan looks at."
GIVEN_UP = "Missed: the template could not be expanded, and then it was switched off."


def count_missed(
    recurrence: Recurrence, after: datetime, until: datetime, reason: str
) -> Skip | None:
    """Return the row of all that is named after `after` and up to `until`; None for nothing.

    Naive UTC. Raises RecurrenceError.
    """
    first = last = None
    count = 0
    for moment in recurrence.moments(after):
        if moment.scheduled > until:
            break
        if not moment.runs:
            continue
        first, last = first or moment.scheduled, moment.scheduled
        count += 1
        if count == MOST_COUNTED:
            last = until
            reason = f"{reason} Only the first {MOST_COUNTED:,} were counted."
            break
    if first is None or last is None:
        return None
    return Skip(first, last, count, "missed", reason)
