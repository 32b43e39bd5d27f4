"""Arithmetic on times: calendar units by the clock on the wall, hours and less as elapsed time."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
YEARS = range(1, 10_000)

UNIT_SECONDS = {
    "years": 366 * 86_400,
    "months": 31 * 86_400,
    "weeks": 7 * 86_400,
    "days": 86_400,
    "hours": 3_600,
    "minutes": 60,
    "seconds": 1,
}
PERIODS = ("year", "quarter", "month", "week", "day", "hour")


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A distance between two times: months and days of the calendar, and elapsed seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @classmethod
    def of(cls, amounts: dict[str, int]) -> "Span":
        """Return the span of the given amounts, keyed by the names in `UNIT_SECONDS`."""
        get = amounts.get
        return cls(
            months=12 * get("years", 0) + get("months", 0),
            days=7 * get("weeks", 0) + get("days", 0),
            seconds=3_600 * get("hours", 0) + 60 * get("minutes", 0) + get("seconds", 0),
        )

    def __neg__(self) -> "Span":
        return Span(months=-self.months, days=-self.days, seconds=-self.seconds)


def shifted(moment: datetime, span: Span) -> datetime:
    """Return `moment` moved by `span`: months (the day is clamped), then days, then seconds.

    A wall time that does not exist is read with the offset before the gap (02:30 becomes 03:30);
    of one that occurs twice the first is taken. Raises `OverflowError` outside years 1 to 9999.
    """
    zone = moment.tzinfo
    assert zone is not None
    if span.months or span.days:
        wall = _months_later(moment.replace(tzinfo=None, fold=0), span.months)
        wall += timedelta(days=span.days)
        moment = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    if span.seconds:
        moment = (moment.astimezone(UTC) + timedelta(seconds=span.seconds)).astimezone(zone)
    return moment


def start_of(moment: datetime, period: str) -> datetime:
    """Return the first instant of the period that holds `moment`; weeks begin on Monday.

    When the clock skips midnight, the day begins at the end of the gap.
    """
    zone = moment.tzinfo
    assert zone is not None
    if period == "hour":
        wall = moment.replace(minute=0, second=0, microsecond=0)
        return _existing(wall.replace(tzinfo=None), zone, fold=moment.fold)
    midnight = moment.replace(tzinfo=None, fold=0, hour=0, minute=0, second=0, microsecond=0)
    return _existing(_STARTS[period](midnight), zone, fold=0)


def end_of(moment: datetime, period: str) -> datetime:
    """Return the last whole second of the period that holds `moment`, as in 23:59:59."""
    zone = moment.tzinfo
    start = start_of(moment, period)
    if period == "hour":
        following = _hour_after(moment)
        # Lord Howe turns back by 30 minutes, into the same hour on the wall.
        if epoch_seconds(start_of(following, "hour")) <= epoch_seconds(moment):
            following = _hour_after(following)
        following = start_of(following, "hour")
    else:
        wall = start.replace(tzinfo=None, fold=0, hour=0, minute=0, second=0)
        span = _LENGTHS[period]
        wall = _months_later(wall, span.months) + timedelta(days=span.days)
        assert zone is not None
        following = _existing(wall, zone, fold=0)
    return (following.astimezone(UTC) - SECOND).astimezone(zone)


def epoch_seconds(moment: datetime) -> int:
    """Return whole seconds since 1970-01-01T00:00:00Z, rounded down."""
    return (moment - EPOCH) // SECOND


def epoch_milliseconds(moment: datetime) -> int:
    """Return whole milliseconds since 1970-01-01T00:00:00Z, rounded down."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


_STARTS: dict[str, Callable[[datetime], datetime]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=day.month - (day.month - 1) % 3, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}
_LENGTHS = {
    "day": Span(days=1),
    "week": Span(days=7),
    "month": Span(months=1),
    "quarter": Span(months=3),
    "year": Span(months=12),
}


def _months_later(wall: datetime, months: int) -> datetime:
    if not months:
        return wall
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    if year not in YEARS:
        raise OverflowError("date value out of range")
    return wall.replace(
        year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1])
    )


def _hour_after(moment: datetime) -> datetime:
    """Return some instant of the hour on the wall that follows the hour of `moment`."""
    until_next = timedelta(hours=1) - timedelta(
        minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond
    )
    return (moment.astimezone(UTC) + until_next).astimezone(moment.tzinfo)


def _existing(wall: datetime, zone: tzinfo, *, fold: int) -> datetime:
    """Return the instant of a wall time, or the end of the gap that swallows it."""
    moment = wall.replace(tzinfo=zone, fold=fold)
    back = moment.astimezone(UTC).astimezone(zone)
    if back.replace(tzinfo=None, fold=0) == wall:
        return moment
    # PEP 495: in a gap, fold=1 names an instant before the transition, fold=0 one after it.
    low = epoch_seconds(wall.replace(tzinfo=zone, fold=1))
    high = epoch_seconds(wall.replace(tzinfo=zone, fold=0))
    before = _at(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if _at(middle, zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return _at(high, zone)


def _at(seconds: int, zone: tzinfo) -> datetime:
    return (EPOCH + timedelta(seconds=seconds)).astimezone(zone)
