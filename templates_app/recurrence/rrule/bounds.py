"""Where a rule's times end: at UNTIL, or at the last one of COUNT."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from templates_app.recurrence.rrule.gregorian import LAST_DAY
from templates_app.recurrence.rrule.streams import DAY, seconds_of_day

_BEGINNING = datetime(1, 1, 1)  # noqa: DTZ001 - nominal times have no zone
_END = (LAST_DAY + 1) * DAY - 1
_DOUBT = 2 * DAY
"""No zone's clock has ever moved by more than a day."""


def to_seconds(at: datetime) -> int:
    """Return a nominal time as a stream counts it."""
    return at.toordinal() * DAY + seconds_of_day(at)


def to_datetime(second: int) -> datetime:
    """Return the nominal time that a stream counts as `second`."""
    return _BEGINNING + timedelta(0, second - DAY)


@dataclass(frozen=True, slots=True)
class Bound:
    """Times up to `sure` are in, times after `last` are out; those between are compared exactly.

    Near UNTIL the order of nominal times need not be that of their instants: in the hour before
    a gap ends, 02:30 is read as 03:30, after 03:15.
    """

    sure: int = _END
    last: int = _END
    until: datetime | None = None
    zone: ZoneInfo | None = None

    def admits(self, second: int) -> bool:
        """Say whether a time is not later than the bound."""
        if second <= self.sure:
            return True
        if second > self.last or self.until is None:
            return False
        return to_datetime(second).replace(tzinfo=self.zone) <= self.until


ENDLESS = Bound()


def at_most(second: int) -> Bound:
    """Return the bound whose last admitted time is `second`."""
    return Bound(sure=second, last=second)


def until_bound(until: datetime | date, zone: ZoneInfo) -> Bound:
    """Return the bound of UNTIL: an instant, or a date that is included to its local end."""
    if not isinstance(until, datetime):
        return at_most((until.toordinal() + 1) * DAY - 1)
    try:
        local = to_seconds(until.astimezone(zone))
    except OverflowError:
        return ENDLESS if until.year > 1 else at_most(0)
    return Bound(sure=local - _DOUBT, last=local + _DOUBT, until=until, zone=zone)
