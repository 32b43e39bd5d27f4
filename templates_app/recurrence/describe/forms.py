"""`interval`, `daily`, `weekly`, `monthly`, `yearly` in words."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from templates_app.recurrence.describe import days as day_words
from templates_app.recurrence.describe.wording import (
    MONTHS,
    WEEKDAYS,
    every,
    listed,
    ordinal,
    time_of,
)

NAMES = ("mo", "tu", "we", "th", "fr", "sa", "su")
CALENDAR_UNITS = ("days", "weeks", "months", "years")
DAY_HOURS = {"days": 24, "weeks": 168}


def interval_words(document: Mapping[str, Any], most: int) -> str:
    """Say every how many units; from a day on also at which time of which day."""
    unit, number = str(document["unit"]), int(document["every"])
    said = every(number, unit.removesuffix("s"))
    if unit not in CALENDAR_UNITS:
        return said
    anchor = datetime.fromisoformat(document["anchor"])
    if document.get("basis") == "elapsed":
        return f"{said}, counted as {number * DAY_HOURS[unit]:,} hours of real time"
    at = f"at {time_of(anchor)}"
    match unit:
        case "weeks":
            return f"{said} on {WEEKDAYS[anchor.weekday()]} {at}"
        case "months":
            return f"{said} on the {ordinal(anchor.day)}, {at}"
        case "years":
            return f"{said} on {anchor.day} {MONTHS[anchor.month - 1]}, {at}"
        case _:
            return f"at {time_of(anchor)} every day" if number == 1 else f"{said} {at}"


def daily_words(document: Mapping[str, Any], most: int) -> str:
    """Say at which times of every n-th day."""
    number = _every(document)
    at = _at(document, most)
    return f"{at} every day" if number == 1 else f"{every(number, 'day')} {at}"


def weekly_words(document: Mapping[str, Any], most: int) -> str:
    """Say on which weekdays of every n-th week, and when."""
    number = _every(document)
    chosen = [NAMES.index(name) for name in document["weekdays"]]
    at = _at(document, most)
    if len(chosen) == len(NAMES):
        return f"{at} every day" if number == 1 else f"{every(number, 'week')} on every day {at}"
    days = day_words.weekdays(chosen)
    return f"{at}, on {days}" if number == 1 else f"{every(number, 'week')} on {days} {at}"


def monthly_words(document: Mapping[str, Any], most: int) -> str:
    """Say on which days of every n-th month, and when."""
    number = _every(document)
    days = _days(document, most)
    at = _at(document, most)
    if number == 1:
        return f"on {days} of every month, {at}"
    return f"{every(number, 'month')} on {days} of the month, {at}"


def yearly_words(document: Mapping[str, Any], most: int) -> str:
    """Say on which days of which months of every n-th year, and when."""
    number = _every(document)
    months = document["months"]
    at = _at(document, most)
    days = document.get("days", [])
    if len(months) == 1 and len(days) == 1 and days[0] > 0 and not document.get("nth"):
        on = f"on {days[0]} {MONTHS[months[0] - 1]}"
    else:
        on = f"on {_days(document, most)} {day_words.of_months(months, most)}"
    return f"{on} every year, {at}" if number == 1 else f"{every(number, 'year')} {on}, {at}"


def _every(document: Mapping[str, Any]) -> int:
    return int(document.get("every", 1))


def _at(document: Mapping[str, Any], most: int) -> str:
    moments = [time.fromisoformat(text) for text in document["times"]]
    if len(moments) <= most:
        return f"at {listed(map(time_of, moments))}"
    first, last = time_of(moments[0]), time_of(moments[-1])
    return f"at {len(moments)} times of the day from {first} to {last}"


def _days(document: Mapping[str, Any], most: int) -> str:
    nth = [
        day_words.nth_weekday(int(text[:-2]), NAMES.index(text[-2:]))
        for text in document.get("nth", ())
    ]
    if len(nth) > most:
        nth = [f"{len(nth)} numbered weekdays"]
    days = document.get("days", [])
    named = [day_words.month_days(days, most)] if days else []
    if not days or not nth:
        return listed([*named, *nth])
    return day_words.month_days(days, most, nth)
