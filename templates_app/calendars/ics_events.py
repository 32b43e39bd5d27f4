"""One VEVENT of an iCalendar file as a value (RFC 5545 section 3.6.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from icalendar import Component
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from templates_app.calendars.ics_lines import BAD_ICS
from templates_app.calendars.reading import LONGEST_NAME, shown
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.zones import Zone, find_zone
from tenants.zone_names import known_time_zones

TIMES = ("DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
DAY = timedelta(days=1)
NO_TIME = timedelta(0)
# Address books write birthdays without a year into 1604.
FIRST_YEAR, LAST_YEAR = 1600, 9000
LONGEST = timedelta(days=20 * 366)


@dataclass(frozen=True, slots=True)
class Moment:
    """A wall time in a zone; of no zone when the event floats. A whole day is its midnight."""

    wall: datetime
    zone: Zone | None
    whole_day: bool

    def in_zone(self, other: "Moment") -> datetime:
        """Return the wall time of this moment in the other's zone."""
        if self.zone is None or other.zone is None or self.zone.name == other.zone.name:
            return self.wall
        return other.zone.local(self.zone.instant(self.wall))


@dataclass(frozen=True, slots=True)
class Length:
    """How long an event lasts: calendar days, then elapsed time.

    An end makes all of it elapsed, a DURATION's days are nominal (RFC 5545 section 3.8.5.3).
    """

    days: timedelta
    elapsed: timedelta

    @property
    def longest(self) -> timedelta:
        """At most this."""
        return self.days + self.elapsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event with all that its recurrence needs."""

    uid: str
    sequence: int
    name: str
    start: Moment
    length: Length
    rules: tuple[str, ...]
    exrules: tuple[str, ...]
    rdates: tuple[Moment, ...]
    periods: tuple[tuple[Moment, Length], ...]
    exdates: tuple[Moment, ...]
    replaces: Moment | None
    cancelled: bool
    this_and_future: bool

    @property
    def recurs(self) -> bool:
        """Whether it has more occurrences than its start."""
        return bool(self.rules or self.rdates or self.periods)


def read_event(component: Component) -> Event:
    """Return the event. Raises RecurrenceError `bad_ics`."""
    name = _text(component, "SUMMARY")[:LONGEST_NAME].strip()
    for key, message in component.errors:
        if key in TIMES:
            raise bad_event(name, str(key), shown(message))
    try:
        return _read(component, name)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        if isinstance(error, RecurrenceError):
            raise
        raise bad_event(name, "DTSTART", "its times cannot be read") from error


def bad_event(name: str, field: str, what: str, *, hint: str | None = None) -> RecurrenceError:
    """Return the error about one property of an event."""
    title = f'The event "{shown(name)}"' if name else "An event without a name"
    return RecurrenceError(
        BAD_ICS, f"ics.{field}", f"{title} is not understood: {what}.", hint=hint
    )


def _read(component: Component, name: str) -> Event:
    starts = list(_moments(component, "DTSTART", name))
    if len(starts) != 1:
        raise bad_event(name, "DTSTART", "it has no single DTSTART")
    start = starts[0]
    replaced = list(_moments(component, "RECURRENCE-ID", name))
    dates, periods = _rdates(component, name)
    length = _length(component, start, name)
    if abs(length.longest) > LONGEST:
        raise bad_event(name, "DTEND", "it lasts longer than 20 years")
    return Event(
        uid=_text(component, "UID"),
        sequence=_sequence(component),
        name=name,
        start=start,
        length=length,
        rules=tuple(_rules(component, "RRULE")),
        exrules=tuple(_rules(component, "EXRULE")),
        rdates=dates,
        periods=periods,
        exdates=tuple(_moments(component, "EXDATE", name)),
        replaces=replaced[0] if replaced else None,
        cancelled=_text(component, "STATUS").upper() == "CANCELLED",
        this_and_future=any(
            "RANGE" in one.params for one in _properties(component, "RECURRENCE-ID")
        ),
    )


def _length(component: Component, start: Moment, name: str) -> Length:
    ends = list(_moments(component, "DTEND", name))
    if ends:
        end = ends[0]
        if end.whole_day != start.whole_day:
            raise bad_event(name, "DTEND", "one end is a date and the other a time")
        if start.whole_day or end.zone is None or start.zone is None:
            return Length(NO_TIME, end.wall - start.wall)
        instants = start.zone.instant(start.wall), end.zone.instant(end.wall)
        return Length(NO_TIME, instants[1] - instants[0])
    for lasts in (one.dt for one in _properties(component, "DURATION")):
        days = timedelta(days=lasts.days)
        return Length(days, lasts - days)
    return Length(NO_TIME, DAY if start.whole_day else NO_TIME)


def _rdates(
    component: Component, name: str
) -> tuple[tuple[Moment, ...], tuple[tuple[Moment, Length], ...]]:
    dates: list[Moment] = []
    periods: list[tuple[Moment, Length]] = []
    for value, zone in _values(component, "RDATE", name):
        if not isinstance(value, tuple):
            dates.append(_moment(value, zone))
            continue
        start, end = value
        elapsed = end if isinstance(end, timedelta) else end - start
        periods.append((_moment(start, zone), Length(NO_TIME, elapsed)))
    return tuple(dates), tuple(periods)


def _moments(component: Component, key: str, name: str) -> Iterator[Moment]:
    for value, zone in _values(component, key, name):
        yield _moment(value, zone)


def _values(component: Component, key: str, name: str) -> Iterator[tuple[Any, Zone | None]]:
    """Yield each value of a property with the zone that its TZID names."""
    for one in _properties(component, key):
        tzid = one.params.get("TZID")
        zone = _zone(str(tzid), key, name) if tzid else None
        for value in getattr(one, "dts", None) or [one]:
            yield value.dt, zone


def _properties(component: Component, key: str) -> list[Any]:
    found = component.get(key)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _moment(value: Any, zone: Zone | None) -> Moment:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(value)
    if isinstance(value, datetime):
        if zone is None and value.tzinfo is not None:
            return Moment(value.astimezone(UTC).replace(tzinfo=None), find_zone("UTC"), False)
        return Moment(value.replace(tzinfo=None, fold=0), zone, False)
    return Moment(datetime.combine(value, time.min), None, True)


def _zone(tzid: str, key: str, name: str) -> Zone:
    """Return the zone of an IANA name, of one behind a vendor's prefix, or of Windows' name."""
    plain = tzid.strip().strip('"')
    candidates = [plain, WINDOWS_TO_OLSON.get(plain, plain)]
    if plain.startswith("/"):
        parts = plain.split("/")
        candidates += ["/".join(parts[-count:]) for count in (3, 2, 1)]
    known = known_time_zones()
    found = next((one for one in candidates if one in known), plain)
    try:
        return find_zone(found)
    except RecurrenceError as error:
        what = f'"{shown(plain)}" is not an IANA time zone'
        raise bad_event(name, f"{key}.TZID", what, hint=error.hint) from error


def _rules(component: Component, key: str) -> Iterator[str]:
    for rule in _properties(component, key):
        yield rule.to_ical().decode()


def _sequence(component: Component) -> int:
    try:
        return int(component.get("SEQUENCE", 0))
    except ValueError:
        return 0


def _text(component: Component, key: str) -> str:
    found = component.get(key, "")
    first = found[0] if isinstance(found, list) else found
    text = str(first).encode(errors="ignore").decode()
    return "".join(char if char.isprintable() else " " for char in text).strip()
