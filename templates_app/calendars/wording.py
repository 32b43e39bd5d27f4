"""Calendars in words: phrases that fit into a sentence about a template."""

from collections.abc import Iterable

from templates_app.calendars.definition import Definition, HourRange

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKEND = (5, 6)
WORKDAYS = (0, 1, 2, 3, 4)
MOST_NAMED = 3


def phrase(definition: Definition) -> str:
    """Return what a calendar holds: "public holidays in Spain (Madrid)", "business hours"."""
    parts = [source.phrase for source in definition.holidays]
    if definition.hours:
        parts.append(_hours(definition.hours))
    if definition.weekdays:
        parts.append(weekdays(definition.weekdays))
    if definition.dates or definition.yearly:
        names = [one.name for one in definition.dates] + [one.name for one in definition.yearly]
        parts.append(_listed(names, "date"))
    if definition.spans:
        parts.append(_listed([one.name for one in definition.spans], "period"))
    parts.extend(phrase(one) for one in definition.any_of)
    text = joined(dict.fromkeys(parts), "and")
    if definition.exception:
        text += f" except {phrase(definition.exception)}"
    return text


def weekdays(days: tuple[int, ...]) -> str:
    """Return weekdays as a plural: "Saturdays and Sundays" are "weekends"."""
    if days == WEEKEND:
        return "weekends"
    if days == WORKDAYS:
        return "Mondays to Fridays"
    return joined([f"{DAY_NAMES[day]}s" for day in days], "and")


def hours_of_day(ranges: Iterable[HourRange]) -> str:
    """Return the ranges of a day: "09:00-13:00 and 15:00-18:00"."""
    return joined([one.words for one in ranges], "and")


def joined(words: Iterable[str], conjunction: str) -> str:
    """Return "a", "a and b", "a, b and c"."""
    *head, tail = list(words)
    return f"{', '.join(head)} {conjunction} {tail}" if head else tail


def _hours(hours: tuple[tuple[HourRange, ...], ...]) -> str:
    nightly = any(one.end <= one.start for ranges in hours for one in ranges)
    return "weekly hours" if nightly or hours[6] else "business hours"


def _listed(names: list[str], noun: str) -> str:
    distinct = list(dict.fromkeys(names))
    if all(distinct) and len(distinct) <= MOST_NAMED:
        return joined([f"“{name}”" for name in distinct], "and")
    return f"{len(names):,} {noun}s" if len(names) > 1 else f"one {noun}"
