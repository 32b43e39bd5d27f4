"""Days of the Gregorian calendar as bits: bit i of a year's mask is its day i, 1 January being 0.

Days are counted as `date.toordinal()` counts them. A year's layout is one of fourteen (leap or
not, and the weekday of 1 January), so a mask is worked out once per layout.
"""

from templates_app.recurrence.months import LONGEST, SHORTEST
from templates_app.recurrence.zones import LAST_YEAR

__all__ = [
    "FULL_YEAR",
    "LAST_DAY",
    "LAST_YEAR",
    "MONTHS",
    "MONTH_DAYS",
    "MONTH_STARTS",
    "SEVENTH_DAYS",
    "is_leap",
    "low_bit",
    "new_year",
    "nth_bit",
    "week_one",
]

LAST_DAY = 3_652_059
"""The ordinal of 31 December 9999, where Python's dates end."""

FULL_YEAR = ((1 << 365) - 1, (1 << 366) - 1)
"""Every day of a common year and of a leap year."""


def _starts(leap: int) -> tuple[int, ...]:
    starts = [0]
    for length in (LONGEST if leap else SHORTEST)[1:]:
        starts.append(starts[-1] + length)
    return tuple(starts)


MONTH_STARTS = (_starts(0), _starts(1))
"""[leap][month - 1]: the day of the year on which a month starts; the 13th entry is its length."""


def _span(first: int, end: int) -> int:
    return ((1 << (end - first)) - 1) << first


MONTHS = tuple(
    tuple(_span(starts[month], starts[month + 1]) for month in range(12)) for starts in MONTH_STARTS
)
"""[leap][month - 1]: the days of a month."""


def _month_days(starts: tuple[int, ...]) -> dict[int, int]:
    masks = dict.fromkeys([*range(-31, 0), *range(1, 32)], 0)
    for month in range(12):
        first, end = starts[month], starts[month + 1]
        for day in range(1, end - first + 1):
            masks[day] |= 1 << (first + day - 1)
            masks[-day] |= 1 << (end - day)
    return masks


MONTH_DAYS = tuple(_month_days(starts) for starts in MONTH_STARTS)
"""[leap][day]: that day of every month, counted from the month's end when negative."""

SEVENTH_DAYS = tuple(sum(1 << day for day in range(first, 371, 7)) for first in range(7))
"""[n]: every seventh day from day n on."""


def is_leap(year: int) -> bool:
    """Say whether a year of the Gregorian calendar has 366 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def new_year(year: int) -> int:
    """Return the ordinal of 1 January; years past 9999 are extrapolated."""
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + 1


def week_one(year: int, week_start: int) -> int:
    """Return the ordinal on which week 1 of `year` starts (RFC 5545: it has 4 days of the year)."""
    fourth = new_year(year) + 3
    return fourth - (fourth - 1 - week_start) % 7


def low_bit(mask: int) -> int:
    """Return the position of the lowest bit of a mask that is not 0."""
    return (mask & -mask).bit_length() - 1


def nth_bit(mask: int, index: int) -> int:
    """Return the position of the bit that has exactly `index` set bits below it."""
    if index == 0:
        return low_bit(mask)
    if index + 1 == mask.bit_count():
        return mask.bit_length() - 1
    position, width = 0, 1 << (mask.bit_length() - 1).bit_length()
    while width > 1:
        width >>= 1
        low = mask & ((1 << width) - 1)
        below = low.bit_count()
        if index < below:
            mask = low
        else:
            index -= below
            mask >>= width
            position += width
    return position
