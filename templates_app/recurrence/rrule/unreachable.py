"""Why a rule never fires, in words."""

from datetime import datetime

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.months import LONGEST, MONTH_NAMES
from templates_app.recurrence.rrule.parts import Parts
from templates_app.recurrence.rrule.streams import DAY, seconds_of_day, stream_of


def never(parts: Parts, dtstart: datetime) -> RecurrenceError:
    """Return the error of a rule that has no time; the culprit is looked for part by part."""
    return RecurrenceError("never", "rrule", f"This rule never fires: {_reason(parts, dtstart)}")


def _reason(parts: Parts, dtstart: datetime) -> str:
    missing = _missing_day(parts)
    if missing:
        return missing
    if parts.until is not None and _fires(parts._replace(until=None), dtstart):
        return "UNTIL lies before its first time."
    if parts.bysetpos and _fires(parts._replace(bysetpos=()), dtstart):
        return "every set has fewer members than BYSETPOS asks for."
    if parts.interval > 1 and _fires(parts._replace(interval=1), dtstart):
        return (
            f"steps of INTERVAL={parts.interval} from {dtstart:%Y-%m-%d %H:%M} "
            "never meet its other parts."
        )
    return "no time fits all of its parts."


def _missing_day(parts: Parts) -> str | None:
    if not parts.bymonth or not parts.bymonthday:
        return None
    day = min(abs(day) for day in parts.bymonthday)
    if day <= max(LONGEST[month] for month in parts.bymonth):
        return None
    names = " nor ".join(MONTH_NAMES[month] for month in parts.bymonth)
    return (
        f"{names} has no day {day}."
        if len(parts.bymonth) == 1
        else f"neither {names} has a day {day}."
    )


def _fires(parts: Parts, dtstart: datetime) -> bool:
    start = dtstart.toordinal() * DAY + seconds_of_day(dtstart)
    return next(stream_of(parts, dtstart).since(start), None) is not None
