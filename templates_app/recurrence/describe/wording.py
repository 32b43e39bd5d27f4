"""Dates, times, numbers and lists in English words."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from itertools import pairwise

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_NUMBERED = ("first", "second", "third", "fourth", "fifth")
_END_OF_DAY = time(23, 59, 59)


def listed(items: Iterable[str], joint: str = "and") -> str:
    """Write "a, b and c"."""
    texts = list(items)
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {joint} {texts[-1]}"


def ordinal(number: int) -> str:
    """Write 1st, 2nd, 3rd, 11th, 21st."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def placed(number: int) -> str:
    """Write which one of several: first, 7th, last, second to last."""
    if number == -1:
        return "last"
    if number < 0:
        return f"{placed(-number)} to last"
    return _NUMBERED[number - 1] if number <= len(_NUMBERED) else ordinal(number)


def counted(number: int, noun: str) -> str:
    """Write "1 minute", "5 minutes"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def every(number: int, noun: str) -> str:
    """Write "every minute", "every 5 minutes"."""
    return f"every {noun}" if number == 1 else f"every {counted(number, noun)}"


def clock_time(hour: int, minute: int, second: int = 0) -> str:
    """Write 09:00, or 17:30:15."""
    return f"{hour:02d}:{minute:02d}" + (f":{second:02d}" if second else "")


def time_of(moment: datetime | time) -> str:
    """Write the time of day."""
    return clock_time(moment.hour, moment.minute, moment.second)


def date_of(day: date) -> str:
    """Write 29 March 2026."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def day_and_time(moment: datetime) -> str:
    """Write 29 March 2026 at 02:30."""
    return f"{date_of(moment)} at {time_of(moment)}"


def beginning(moment: datetime) -> str:
    """Write from when on: the date alone where the whole day belongs to it."""
    return date_of(moment) if moment.time() == time(0) else day_and_time(moment)


def ending(moment: datetime) -> str:
    """Write until when: the date alone where the whole day belongs to it."""
    return date_of(moment) if moment.time() == _END_OF_DAY else day_and_time(moment)


def runs(values: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last of each row of neighbours in the sorted values."""
    found: list[tuple[int, int]] = []
    for value in values:
        if found and value == found[-1][1] + 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return found


def runs_around(values: Sequence[int], low: int, high: int) -> list[tuple[int, int]]:
    """Return the same where `low` follows `high`: 22, 23, 0 and 1 are one row."""
    found = runs(values)
    if len(found) > 1 and found[0][0] == low and found[-1][1] == high:
        return [*found[1:-1], (found[-1][0], found[0][1])]
    return found


def step_of(values: Sequence[int]) -> int | None:
    """Return the distance that all neighbours of at least three sorted values share."""
    steps = {later - earlier for earlier, later in pairwise(values)}
    return steps.pop() if len(steps) == 1 and len(values) > 2 else None


def upper_first(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]
