"""Which days of a month match: bitmasks by the month's length and first weekday.

Bit d is day d; weekdays count from Sunday = 0. The Gregorian calendar has 28 kinds of month (four
lengths, seven first weekdays), and a schedule treats all months of a kind alike.
"""

from functools import lru_cache
from typing import Literal

from templates_app.recurrence.cron.terms import (
    DayRule,
    Field,
    LastDay,
    LastWeekday,
    NearestWeekday,
    NthWeekday,
)
from templates_app.recurrence.months import SHORTEST

DayMatch = Literal["or", "and"]
MonthMasks = tuple[tuple[int, ...], ...]
"""Indexed by the month's length less 28, then by its first weekday."""

SHORTEST_MONTH = 28
_LENGTHS = range(SHORTEST_MONTH, 32)
_EVERY_SEVENTH = tuple(sum(1 << day for day in range(1 + offset, 32, 7)) for offset in range(7))
_SUNDAY, _SATURDAY = 0, 6


def days_in(year: int, month: int) -> int:
    """Return the length of a month."""
    if month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
        return 29
    return SHORTEST[month]


def lengths_of(month: int) -> tuple[int, ...]:
    """Return the lengths that a month can have."""
    return (28, 29) if month == 2 else (SHORTEST[month],)


def both_must_match(days: Field, weekdays: Field, day_match: DayMatch) -> bool:
    """Whether a day has to match both day fields.

    POSIX crontab: with both restricted, either will do. Vixie cron: a field that begins with `*`,
    such as `*/2`, does not count as restricted, so the other one has to match too.
    """
    return day_match == "and" or days.starred or weekdays.starred


@lru_cache(maxsize=1024)
def month_masks(days: Field, weekdays: Field, day_match: DayMatch) -> MonthMasks:
    """Return the matching days of all kinds of month."""
    narrow = both_must_match(days, weekdays, day_match)
    listed = sum(1 << day for day in days.values)
    return tuple(
        tuple(
            _mask(length, first, listed | _of_rules(days, length, first), weekdays, narrow)
            for first in range(7)
        )
        for length in _LENGTHS
    )


@lru_cache(maxsize=1024)
def months_that_match(days: Field, weekdays: Field, day_match: DayMatch) -> frozenset[int]:
    """Return the months that have a matching day in some year."""
    masks = month_masks(days, weekdays, day_match)
    return frozenset(
        month
        for month in range(1, 13)
        if any(any(masks[length - SHORTEST_MONTH]) for length in lengths_of(month))
    )


def _mask(length: int, first: int, by_day: int, weekdays: Field, narrow: bool) -> int:
    by_weekday = _of_rules(weekdays, length, first)
    for weekday in weekdays.values:
        by_weekday |= _EVERY_SEVENTH[(weekday - first) % 7]
    either = by_day & by_weekday if narrow else by_day | by_weekday
    return either & ((2 << length) - 2)


def _of_rules(field: Field, length: int, first: int) -> int:
    mask = 0
    for rule in field.rules:
        day = _day_of(rule, length, first)
        if 1 <= day <= length:
            mask |= 1 << day
    return mask


def _day_of(rule: DayRule, length: int, first: int) -> int:
    """Return the day that a rule names, outside 1 to `length` where the month has none."""
    match rule:
        case LastDay(before, nearest_weekday):
            day = length - before
            return _nearest_weekday(day, length, first) if nearest_weekday else day
        case NearestWeekday(day):
            return _nearest_weekday(day, length, first)
        case NthWeekday(weekday, nth):
            return 1 + (weekday - first) % 7 + 7 * (nth - 1)
        case LastWeekday(weekday):
            last = (first + length - 1) % 7
            return length - (last - weekday) % 7


def _nearest_weekday(day: int, length: int, first: int) -> int:
    """Return the Monday to Friday nearest to `day` within its month, 0 where it has no such day."""
    if not 1 <= day <= length:
        return 0
    weekday = (first + day - 1) % 7
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == _SUNDAY:
        return day + 1 if day < length else day - 2
    return day
