"""Between which moments templates can be asked about."""

from datetime import datetime

from jobs.operations.fields import Fields
from jobs.operations.limits import EARLIEST, HORIZON


def read_bounded(fields: Fields, name: str, now: datetime) -> datetime | None:
    """Return a time from the year 2000 to ten years ahead; None when absent, null or refused."""
    moment = fields.moment(name)
    if moment is None:
        return None
    if moment < EARLIEST:
        fields.refuse(name, "too_early", "is before the year 2000; choose a later time.")
    elif moment > now + HORIZON:
        fields.refuse(name, "too_late", "is more than ten years ahead; choose an earlier time.")
    else:
        return moment
    return None
