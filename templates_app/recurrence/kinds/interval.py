"""`interval`: every n seconds, minutes, hours, days, weeks, months or years from an anchor."""

from datetime import datetime, timedelta
from typing import Any

from templates_app.recurrence.day_times import DayTimes
from templates_app.recurrence.document import Document
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.kinds.built import (
    DST,
    GAPS,
    OVERLAPS,
    Built,
    Nested,
    not_after,
    wall_schedule,
)
from templates_app.recurrence.rrule import DayRule
from templates_app.recurrence.rrule.frequency import Frequency
from templates_app.recurrence.schedules import Elapsed
from templates_app.recurrence.shown import quoted
from templates_app.recurrence.zones import Zone

KNOWN = ("every", "unit", "anchor", "basis", *DST)
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}
FREQUENCIES = {
    "days": Frequency.DAILY,
    "weeks": Frequency.WEEKLY,
    "months": Frequency.MONTHLY,
    "years": Frequency.YEARLY,
}
UNITS = ("seconds", "minutes", "hours", "days", "weeks", "months", "years")
# A Monday, the first of a month and of a year.
DEFAULT_ANCHOR = datetime(2001, 1, 1)  # noqa: DTZ001 - local to the zone
MOST_SECONDS = 100 * 366 * 86_400
MOST = {"months": 1_200, "years": 100}
SHORT_MONTH = 28


def build(document: Document, seed: str, nested: Nested) -> Built:
    """Build from `every`, `unit` and `anchor`.

    Below a day in elapsed time, from a day on in wall time; `basis` says otherwise for days and
    weeks.
    """
    zone = document.zone()
    unit = document.text("unit", f"Use one of {', '.join(UNITS)}.")
    if unit not in UNITS:
        raise RecurrenceError(
            "bad_value",
            "unit",
            f"{quoted(unit)} is not a unit; use seconds, minutes, hours, days, weeks, months or "
            "years.",
        )
    every = _every(document, unit)
    basis = document.choice("basis", "calendar" if unit in FREQUENCIES else "elapsed", _bases(unit))
    if basis == "elapsed":
        return _elapsed(document, zone, every, unit)
    return _calendar(document, zone, every, unit)


def _elapsed(document: Document, zone: Zone, every: int, unit: str) -> Built:
    given = document.instant("anchor", zone) or document.instant("starts_at", zone)
    anchor = given or zone.instant(DEFAULT_ANCHOR)
    # Clock changes do not touch elapsed time; nonsense is refused all the same.
    document.choice("dst_gap", "shift", GAPS)
    document.choice("dst_overlap", "auto", OVERLAPS)
    canonical = {"every": every, "unit": unit, "anchor": zone.aware(anchor).isoformat()}
    if unit in FREQUENCIES:
        canonical["basis"] = "elapsed"
    step = timedelta(seconds=every * SECONDS[unit])
    schedule = Elapsed(anchor, step, zone)
    return Built(schedule=schedule, zone=zone, canonical=canonical, origin=given)


def _calendar(document: Document, zone: Zone, every: int, unit: str) -> Built:
    anchor = DEFAULT_ANCHOR
    given = next((key for key in ("anchor", "starts_at") if key in document), None)
    if given is not None:
        anchor = document.wall(given, zone)
    rule = DayRule(freq=FREQUENCIES[unit], interval=every, anchor=anchor.date())
    stream = DayTimes((rule,), (anchor.time(),), anchor)
    schedule, policy = wall_schedule(document, stream, zone)
    canonical: dict[str, Any] = {"every": every, "unit": unit, "anchor": anchor.isoformat()}
    return Built(
        schedule=schedule,
        zone=zone,
        canonical=canonical | policy,
        origin=not_after(anchor, zone) if given else None,
        cautions=_short_months(anchor, unit),
    )


def _short_months(anchor: datetime, unit: str) -> tuple[Caution, ...]:
    leap_day = unit == "years" and (anchor.month, anchor.day) == (2, 29)
    if not leap_day and not (unit == "months" and anchor.day > SHORT_MONTH):
        return ()
    return (
        Caution(
            code="short_months",
            field="anchor",
            message=f"{'Years' if leap_day else 'Months'} without a day {anchor.day} are skipped.",
            hint='For the last day use {"kind": "monthly", "days": [-1]}.',
        ),
    )


def _every(document: Document, unit: str) -> int:
    every = document.required("every", "How many units lie between two runs?")
    if isinstance(every, bool) or not isinstance(every, int):
        raise RecurrenceError("not_integer", "every", '"every" must be a whole number.')
    if every < 1:
        raise RecurrenceError("out_of_range", "every", "The interval must be at least 1 second.")
    most = MOST.get(unit) or MOST_SECONDS // SECONDS[unit]
    if every > most:
        raise RecurrenceError(
            "out_of_range", "every", f"The interval must be at most 100 years ({most:,} {unit})."
        )
    return every


def _bases(unit: str) -> tuple[str, ...]:
    if unit not in FREQUENCIES:
        return ("elapsed",)
    return ("calendar", "elapsed") if unit in SECONDS else ("calendar",)
