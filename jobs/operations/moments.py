"""When a job is to run, and by when it must have started."""

from datetime import datetime, timedelta

from jobs.operations.fields import Fields
from jobs.operations.limits import EARLIEST, HORIZON


def read_run_at(fields: Fields, now: datetime) -> datetime | None:
    """Return `run_at`, or `now` plus `delay`; None when absent or refused."""
    if fields.data.get("delay") is not None:
        if fields.data.get("run_at") is not None:
            fields.refuse(
                "delay", "conflict", 'cannot be combined with "run_at"; send one of them.'
            )
            return None
        most = HORIZON.total_seconds()
        return now + timedelta(seconds=fields.number("delay", 0, minimum=0, maximum=most))
    moment = fields.moment("run_at")
    if moment is None:
        return None
    if moment < EARLIEST:
        fields.refuse("run_at", "too_early", "is before the year 2000; leave it out for now.")
    elif moment > now + HORIZON:
        fields.refuse("run_at", "too_late", "is more than ten years ahead; choose an earlier time.")
    return moment


def read_deadline(fields: Fields, *, run_at: datetime, now: datetime) -> datetime | None:
    """Return `deadline`, which must lie after the moment the job is due; None when absent or refused."""
    moment = fields.moment("deadline")
    if moment is None:
        return None
    if moment <= now:
        fields.refuse("deadline", "too_early", "has passed; choose a later time or leave it out.")
    elif moment <= run_at:
        fields.refuse("deadline", "too_early", "must be later than the time the job is due.")
    elif moment > now + 2 * HORIZON:
        fields.refuse("deadline", "too_late", "is more than twenty years ahead; leave it out.")
    return moment
