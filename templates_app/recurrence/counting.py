"""Counting occurrences out: which is the n-th?"""

from datetime import datetime, timedelta

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.moments import Schedule
from templates_app.recurrence.schedules import Elapsed
from templates_app.recurrence.work import Work, walked

# Five centuries. 100,000 times 29 February on a Monday would take 2.8 million years.
LONGEST_COUNT = timedelta(days=182_621)
MOST_STEPS = 120_000


def nth(
    schedule: Schedule, after: datetime, count: int, *, until: datetime | None
) -> datetime | None:
    """Return when (naive UTC) a schedule runs for the `count`-th time after `after`.

    None when that is after `until`, more than 500 years on, or never. Raises RecurrenceError
    `too_costly` for a combination of too many steps.
    """
    if isinstance(schedule, Elapsed):
        return schedule.nth(after, count)
    most = count
    stop = after + min(LONGEST_COUNT, datetime.max - after)  # noqa: DTZ901 - naive UTC
    if until is not None:
        stop = min(stop, until)
    try:
        for moment in walked(schedule, after, Work(MOST_STEPS)):
            if moment.scheduled > stop:
                return None
            count -= not moment.notes or moment.runs
            if count == 0:
                return moment.scheduled
    except RecurrenceError as error:
        if error.code != "too_costly":
            raise
        raise RecurrenceError(
            "too_costly",
            "max_occurrences",
            f"Counting out {most:,} occurrences of this combination takes too long.",
            hint='Lower "max_occurrences", or say when it ends with "ends_at".',
        ) from None
    return None
