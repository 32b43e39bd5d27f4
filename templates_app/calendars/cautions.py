"""What is allowed in a calendar and probably not what was meant."""

from collections.abc import Iterator

from templates_app.calendars.definition import Definition
from templates_app.recurrence.errors import Caution

LEAP_DAY = (2, 29)


def cautions_of(definition: Definition) -> tuple[Caution, ...]:
    """Return the cautions that whoever writes this definition should read."""
    return tuple(_cautions(definition))


def _cautions(definition: Definition) -> Iterator[Caution]:
    days = definition.holidays or definition.dates or definition.yearly
    if definition.hours and days:
        yield Caution(
            code="hours_and_days",
            field="hours",
            message="The calendar holds its hours and, besides, the whole of its holidays and dates.",
            hint='If the hours do not apply on those days, put the days under "except".',
        )
    if any(one.first == one.last == LEAP_DAY for one in definition.yearly):
        yield Caution(
            code="leap_day",
            field="dates",
            message="29 February comes in leap years only.",
            hint="Use 02-28 or 03-01 for a day of every year.",
        )
