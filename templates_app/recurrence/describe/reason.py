"""Why an occurrence is not simply at the time that was named, as sentences."""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from templates_app.recurrence.describe.wording import date_of, time_of
from templates_app.recurrence.moments import Note
from templates_app.recurrence.timeline import LONGEST_CHANGE
from templates_app.recurrence.value import Occurrence
from templates_app.recurrence.zones import Zone, find_zone

GAPS = (Note.GAP_SHIFTED, Note.GAP_END, Note.GAP_SKIPPED)
TWICE = (Note.FIRST_PASS, Note.SECOND_PASS)


class Change(NamedTuple):
    """A change of the clocks: the local times before and after it."""

    old: datetime
    new: datetime


def reason(occurrence: Occurrence, zone: ZoneInfo | Zone) -> str | None:
    """Say what a clock change, a coincidence or jitter did to an occurrence; None for nothing.

    `zone` is the one in which the nominal time was named. Each sentence ends with a full stop.
    """
    here = find_zone(zone.key) if isinstance(zone, ZoneInfo) else zone
    told = []
    notes = occurrence.notes
    gap = next((note for note in GAPS if note in notes), None)
    if gap is not None:
        told.append(_gap(occurrence, here, gap))
    twice = next((note for note in TWICE if note in notes), None)
    if twice is not None:
        told.append(_twice(occurrence, here, twice))
    if Note.MERGED in notes:
        told.append("Another occurrence falls on the same moment; it runs once.")
    if Note.JITTERED in notes:
        delay = int((occurrence.at - occurrence.scheduled).total_seconds())
        told.append(f"Delayed by {_delay(delay)} to spread load.")
    return " ".join(told) or None


def _gap(occurrence: Occurrence, zone: Zone, note: Note) -> str:
    nominal = occurrence.nominal
    change = _change(occurrence, zone)
    if change is None or change.old > change.new:
        named = f"A time that was named does not exist in its time zone on {date_of(nominal)}"
        clocks = ""
    else:
        named = f"{time_of(nominal)} does not exist on {date_of(nominal)} in {zone.name}"
        clocks = f" (clocks go from {_clocks(change, nominal)})"
    if note is Note.GAP_SKIPPED:
        return f"{named}{clocks}; it does not run."
    runs = occurrence.scheduled.replace(tzinfo=None)
    at = f"at {time_of(runs)}"
    if runs.date() != nominal.date():
        at += f" on {date_of(runs)}"
    return f"{named}{clocks}; it runs {at}."


def _twice(occurrence: Occurrence, zone: Zone, note: Note) -> str:
    nominal = occurrence.nominal
    change = _change(occurrence, zone)
    which = "first" if note is Note.FIRST_PASS else "second"
    if change is None or change.old <= change.new:
        # A part of a union has named it, in a zone of its own.
        return f"A time that was named occurs twice in its time zone; it runs the {which} time."
    where = f"{zone.name} (clocks go back from {_clocks(change, nominal)})"
    named = f"{time_of(nominal)} occurs twice on {date_of(nominal)} in {where}"
    return f"{named}; it runs the {which} time."


def _change(occurrence: Occurrence, zone: Zone) -> Change | None:
    """Return the change whose missing or repeated times hold the nominal one."""
    instant = occurrence.scheduled.astimezone(UTC).replace(tzinfo=None)
    stretch = zone.stretch(instant - LONGEST_CHANGE)
    while stretch.start <= instant + LONGEST_CHANGE:
        change = Change(stretch.end + stretch.offset, stretch.end + stretch.after)
        if min(change) <= occurrence.nominal < max(change):
            return change
        stretch = zone.stretch(stretch.end)
    return None


def _clocks(change: Change, nominal: datetime) -> str:
    """Write "02:00 to 03:00", with the date of each that is not the nominal one."""
    return " to ".join(
        time_of(at) if at.date() == nominal.date() else _on_date(at) for at in change
    )


def _on_date(at: datetime) -> str:
    """Write 00:00 on 31 December 2011."""
    return f"{time_of(at)} on {date_of(at)}"


def _delay(seconds: int) -> str:
    parts = []
    for size, unit in ((3_600, "h"), (60, "min"), (1, "s")):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts)
