"""What a rule may do that its author did not expect."""

from collections.abc import Iterator
from datetime import datetime

from templates_app.recurrence.errors import Caution
from templates_app.recurrence.months import SHORTEST
from templates_app.recurrence.rrule.frequency import Frequency
from templates_app.recurrence.rrule.parts import Parts


def cautions_of(parts: Parts, dtstart: datetime, first: datetime) -> tuple[Caution, ...]:
    """Return the cautions of a rule whose first time is `first`."""
    return tuple(_cautions(parts, dtstart, first))


def _cautions(parts: Parts, dtstart: datetime, first: datetime) -> Iterator[Caution]:
    if first != dtstart:
        yield Caution(
            code="dtstart_not_matched",
            field="dtstart",
            message=f"The rule does not match its start; it first fires at {first.isoformat()}.",
        )
    if parts.leap_second:
        yield Caution(
            code="leap_second", field="BYSECOND", message="Second 60, a leap second, counts as 59."
        )
    if parts.freq > Frequency.DAILY:
        yield Caution(
            code="wall_clock_steps",
            field="FREQ",
            message=f"FREQ={parts.freq.name} steps in wall-clock time, also where clocks change.",
            hint="For elapsed time use an interval.",
        )
    day = _rare_day(parts, dtstart)
    if day is not None:
        yield Caution(
            code="dates_left_out",
            field="BYMONTHDAY" if parts.bymonthday else "dtstart",
            message=f"Months without a day {day} are left out.",
            hint="Count from the end (BYMONTHDAY=-1), or add RSCALE=GREGORIAN;SKIP=BACKWARD.",
        )


def _rare_day(parts: Parts, dtstart: datetime) -> int | None:
    """Return the day that some of the rule's months lack, if every one of its days is such."""
    if parts.skip != "OMIT" or parts.freq > Frequency.MONTHLY:
        return None
    if parts.byday or parts.byyearday or parts.byweekno:
        return None
    yearly_date = parts.freq is Frequency.YEARLY and not (parts.bymonth or parts.bymonthday)
    months = parts.bymonth or ((dtstart.month,) if yearly_date else tuple(range(1, 13)))
    days = parts.bymonthday or (dtstart.day,)
    shortest = min(SHORTEST[month] for month in months)
    return min(days) if min(days) > shortest else None
