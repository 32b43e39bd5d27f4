"""Time zones as stretches of constant offset.

`zoneinfo` answers "which offset holds here?", never "when does it change?". A recurrence needs the
second: inside a stretch wall time and instants map one to one and in order, and all that is odd
about clock changes happens between two stretches. Instants are naive UTC datetimes in this package;
every function says so.
"""

from bisect import bisect_right
from calendar import isleap
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo

from templates_app.recurrence.errors import RecurrenceError
from tenants.zone_names import known_time_zones

DAY = timedelta(days=1)
# Less than the shortest time between a change and the one that takes it back: 3 days and 23:40 in
# Africa/Freetown in 1939.
LOOK = timedelta(days=3)
SECOND = timedelta(seconds=1)
LAST_YEAR = 9999
# Zone-years of changes that are remembered, of all zones together.
MOST_YEARS = 4_096
# From here on no zone lists its changes (the last to do so is Africa/Casablanca, to 2087): a rule of
# months and weekdays holds, and years of one shape have them on the same days.
FIRST_RULED = 2_101
END = datetime.max  # noqa: DTZ901 - naive, of instants and of wall times
LONGEST_NAME = 64
FIRST_KNOWN, LAST_KNOWN = datetime.min + DAY, END - DAY  # noqa: DTZ901


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` (included) to `end` (excluded), both naive UTC, one offset holds.

    `before` and `after` are the offsets of the neighbours. `wall_end` is the wall time at which it
    ends, `wall_twice` that at which the next stretch begins if that is earlier: from there on wall
    times occur twice. Stretches are also cut at the turn of a year, where nothing changes.
    """

    start: datetime
    end: datetime
    offset: timedelta
    before: timedelta
    after: timedelta
    wall_end: datetime
    wall_twice: datetime


class Zone:
    """An IANA time zone."""

    def __init__(self, name: str, info: ZoneInfo) -> None:
        self.name = name
        self.info = info

    def __repr__(self) -> str:
        return f"Zone({self.name!r})"

    def stretch(self, instant: datetime) -> Stretch:
        """Return the stretch that holds the naive UTC instant."""
        starts, stretches = _year(self, instant.year)
        return stretches[bisect_right(starts, instant) - 1]

    def local(self, instant: datetime) -> datetime:
        """Return the naive wall time of a naive UTC instant."""
        return instant + self.offset(instant)

    def aware(self, instant: datetime) -> datetime:
        """Return a naive UTC instant as an aware datetime of this zone."""
        return self.info.fromutc(instant.replace(tzinfo=self.info))

    def instant(self, wall: datetime) -> datetime:
        """Return the naive UTC instant of a naive wall time.

        One that does not exist is read with the offset before the gap, one that occurs twice is the
        first (RFC 5545 section 3.3.5).
        """
        offset = wall.replace(tzinfo=self.info).utcoffset()
        assert offset is not None
        return wall - offset

    def offset(self, instant: datetime) -> timedelta:
        """Return the UTC offset that holds at a naive UTC instant."""
        if not FIRST_KNOWN <= instant <= LAST_KNOWN:
            # A day off either end of the calendar: local times would leave it.
            instant = min(max(instant, FIRST_KNOWN), LAST_KNOWN)
        return self.info.fromutc(instant.replace(tzinfo=self.info)).replace(tzinfo=None) - instant

    def cut(self, year: int) -> list[Stretch]:
        """Return the stretches of a year, in order; `stretch` remembers them."""
        if not LAST_SHAPED < year < LAST_YEAR:
            return self._cut(year)
        alike = SHAPES[_shape(year)]
        shift = date(year, 1, 1) - date(alike, 1, 1)
        return [_shifted(stretch, shift) for stretch in _year(self, alike)[1]]

    def _cut(self, year: int) -> list[Stretch]:
        start = datetime(year, 1, 1)  # noqa: DTZ001 - naive UTC
        end = start.replace(year=year + 1) if year < LAST_YEAR else END
        before = offset = self.offset(start - SECOND)
        stretches: list[Stretch] = []
        first = self.offset(start)
        changes = [(start, first), *self._changes(start, end, first)]
        for position, (at, new) in enumerate(changes):
            last = position + 1 == len(changes)
            until, after = (end, self.offset(end)) if last else changes[position + 1]
            before, offset = offset, new
            wall_end, wall_twice = _plus(until, offset), _plus(until, min(offset, after))
            stretches.append(Stretch(at, until, offset, before, after, wall_end, wall_twice))
        return stretches

    def _changes(
        self, start: datetime, end: datetime, offset: timedelta
    ) -> list[tuple[datetime, timedelta]]:
        """Find the changes by looking every few days: none is taken back so soon."""
        changes = []
        at = start
        while at < end:
            following = min(at, END - LOOK) + LOOK
            if self.offset(following) == offset:
                at = following
                continue
            at = self._bisect(at, following, offset)
            offset = self.offset(at)
            if at < end:
                changes.append((at, offset))
        return changes

    def _bisect(self, low: datetime, high: datetime, offset: timedelta) -> datetime:
        while high - low > SECOND:
            middle = low + timedelta(seconds=(high - low) // SECOND // 2)
            if self.offset(middle) == offset:
                low = middle
            else:
                high = middle
        return high


def _plus(moment: datetime, span: timedelta) -> datetime:
    """Add, without leaving the calendar."""
    try:
        return moment + span
    except OverflowError:
        return END


def _shape(year: int) -> tuple[int, bool]:
    """Say what decides which weekday each day of a year has."""
    return date(year, 1, 1).weekday(), isleap(year)


# 28 years without a full century have every shape.
LAST_SHAPED = FIRST_RULED + 27
SHAPES = {_shape(year): year for year in range(FIRST_RULED, LAST_SHAPED + 1)}


def _shifted(stretch: Stretch, shift: timedelta) -> Stretch:
    return Stretch(
        stretch.start + shift,
        stretch.end + shift,
        stretch.offset,
        stretch.before,
        stretch.after,
        stretch.wall_end + shift,
        stretch.wall_twice + shift,
    )


@lru_cache(maxsize=MOST_YEARS)
def _year(zone: Zone, year: int) -> tuple[list[datetime], list[Stretch]]:
    stretches = zone.cut(year)
    return [stretch.start for stretch in stretches], stretches


@lru_cache(maxsize=1024)
def find_zone(name: str) -> Zone:
    """Return the zone of this IANA name. Raises RecurrenceError `unknown_zone`."""
    known = known_time_zones()
    if name not in known:
        shown = name[:LONGEST_NAME]
        folded = {zone.casefold(): zone for zone in known}
        close = get_close_matches(shown.casefold(), folded, n=1, cutoff=0.75)
        hint = folded[close[0]] if close else "Europe/Berlin"
        raise RecurrenceError(
            "unknown_zone",
            "timezone",
            f'"{shown}" is not a time zone.',
            hint=f"Did you mean {hint}?" if close else f"Pick one such as {hint}.",
        )
    return Zone(name, ZoneInfo(name))
