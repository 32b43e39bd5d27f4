"""Reads the sentence of a simple cron expression back, knowing nothing of how it was written.

What a person would take a sentence to promise, as two sets: minutes of a day, and days.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
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
]
ORDINALS = ["first", "second", "third", "fourth", "fifth"]
DAY = 24 * 60
Days = Callable[[date], bool]


def read(text: str) -> tuple[set[int], Days]:
    """Return the minutes of the day and the days that a sentence (without zone) names."""
    clauses = text.split(", ")
    for size in range(len(clauses), 0, -1):
        days = _days(", ".join(clauses[size:]))
        head = ", ".join(clauses[:size])
        if days is None:
            continue
        found = re.fullmatch(r"(.*?[^,]) every day(?: ((?:in|from) .*))?", head)
        if found and size < len(clauses):
            continue
        if found:
            head, months = found[1], found[2]
            days = _in_months(months or "")
        if days is None:
            continue
        minutes = _minutes(head[0].lower() + head[1:])
        if minutes is not None:
            return minutes, days
    raise AssertionError(f"cannot be read: {text}")


def _minutes(text: str) -> set[int] | None:
    if found := re.fullmatch(r"at ((?:\d\d:\d\d(?:, | and )?)+)", text):
        return {_minute(one) for one in re.findall(r"\d\d:\d\d", found[1])}
    if text == "every hour":
        return set(range(0, DAY, 60))
    if found := re.fullmatch(r"at (\d+) minutes? past every hour", text):
        return set(range(int(found[1]), DAY, 60))
    if found := re.fullmatch(r"every (?:hour|(\d+) hours) from (\S+) to (\S+)", text):
        step, first, last = 60 * int(found[1] or 1), _minute(found[2]), _minute(found[3])
        last += DAY if last < first else 0
        return {minute % DAY for minute in range(first, last + 1, step)}
    inner, hours = _hours(text)
    past = _past_hour(inner)
    return past and {60 * hour + minute for hour in hours for minute in past}


def _hours(text: str) -> tuple[str, set[int]]:
    span = r"(\d\d):00 and (\d\d):59"
    if found := re.fullmatch(rf"(.*?),? (between {span}(?:(?:, | and )between {span})*)", text):
        hours: set[int] = set()
        for first, last in re.findall(span, found[2]):
            end = int(last) + (24 if last < first else 0)
            hours |= {hour % 24 for hour in range(int(first), end + 1)}
        return found[1], hours
    if found := re.fullmatch(r"(.*), in every (\d+)\w\w hour \((\d\d):00, .* … (\d\d):00\)", text):
        return found[1], set(range(int(found[3]), int(found[4]) + 1, int(found[2])))
    if found := re.fullmatch(r"(.*), in the hours that begin at ((?:\d\d:00(?:, | and )?)+)", text):
        return found[1], {int(hour) for hour in re.findall(r"(\d\d):00", found[2])}
    return text, set(range(24))


def _past_hour(text: str) -> set[int] | None:
    if text == "every minute":
        return set(range(60))
    if found := re.fullmatch(
        r"every (\d+) minutes(?:, starting at (\d+) minutes? past the hour)?", text
    ):
        return set(range(int(found[2] or 0), 60, int(found[1])))
    if found := re.fullmatch(
        r"every minute ((?:(?:, | and )?from \d+ to \d+)+) past the hour", text
    ):
        spans = re.findall(r"from (\d+) to (\d+)", found[1])
        return {minute for first, last in spans for minute in range(int(first), int(last) + 1)}
    if found := re.fullmatch(r"at every (\d+)\w\w minute from (\d+) to (\d+) past the hour", text):
        return set(range(int(found[2]), int(found[3]) + 1, int(found[1])))
    if found := re.fullmatch(r"at ((?:\d+(?:, | and )?)+) minutes? past the hour", text):
        return {int(one) for one in re.findall(r"\d+", found[1])}
    return None


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def _every(_day: date) -> bool:
    return True


def _days(text: str) -> Days | None:
    """Return what the part after the times says; None when it is no such part."""
    if text in ("", "every day"):
        return _every
    if text.startswith("every day "):
        return _in_months(text.removeprefix("every day "))
    if ", only if it is " in text:
        first, _, second = text.partition(", only if it is ")
        return _both(_month_days(first), _weekdays(second, r"a (\w+)", "a weekday"))
    if ", and on " in text:
        first, _, second = text.partition(", and on ")
        return _either(_month_days(first), _weekdays_in_months(second))
    if text.startswith("on "):
        return _month_days(text) or _weekdays_in_months(text.removeprefix("on "))
    return _in_months(text)


def _weekdays_in_months(text: str) -> Days | None:
    for mark in (", in ", ", from "):
        if mark in text:
            days, _, months = text.partition(mark)
            return _both(_weekdays(days, r"(?:every )?(\w+)"), _in_months(mark[2:] + months))
    return _weekdays(text, r"(?:every )?(\w+)")


def _weekdays(text: str, pattern: str, all_five: str = "weekdays") -> Days | None:
    if text == all_five:
        return lambda day: day.weekday() < 5
    if found := re.fullmatch(r"every day but (\w+)", text):
        left_out = WEEKDAYS.index(found[1])
        return lambda day: day.weekday() != left_out
    names = [re.fullmatch(pattern, one) for one in re.split(", | and | or ", text)]
    if not all(one and one[1] in WEEKDAYS for one in names):
        return None
    wanted = {one[1] for one in names if one}
    return lambda day: WEEKDAYS[day.weekday()] in wanted


def _month_days(text: str) -> Days | None:
    if found := re.fullmatch(r"on (\d+) (\w+) every year", text):
        date_of_year = int(found[1]), MONTHS.index(found[2]) + 1
        return lambda day: (day.day, day.month) == date_of_year
    found = re.fullmatch(r"on (.*?) of (every month|every month from .*|[A-Z].*)", text)
    if not found:
        return None
    rules = [_month_day(one) for one in re.split(", | and ", found[1])]
    if None in rules:
        return None
    months = found[2].removeprefix("every month").strip()
    within = _in_months(months if months.startswith("from ") or not months else f"in {months}")
    return _both(lambda day: any(rule(day) for rule in rules if rule), within)


def _month_day(text: str) -> Days | None:
    if found := re.fullmatch(r"the (\d+)\w\w", text):
        number = int(found[1])
        return lambda day: day.day == number
    if found := re.fullmatch(r"the (\d+)\w\w to the (\d+)\w\w", text):
        span = range(int(found[1]), int(found[2]) + 1)
        return lambda day: day.day in span
    if found := re.fullmatch(r"every (\d+)\w\w day from the (\d+)\w\w to the (\d+)\w\w", text):
        step, first, last = map(int, found.groups())
        return lambda day: day.day in range(first, last + 1, step)
    if found := re.fullmatch(r"the (?:(\w+) to )?last day", text):
        before = ORDINALS.index(found[1]) if found[1] else 0
        return lambda day: day.day == monthrange(day.year, day.month)[1] - before
    return None


def _in_months(text: str) -> Days | None:
    if not text:
        return _every
    if found := re.fullmatch(r"from (\w+) to (\w+)", text):
        first, last = MONTHS.index(found[1]), MONTHS.index(found[2])
        span = {month % 12 for month in range(first, last + (12 if last < first else 0) + 1)}
    elif text.startswith("in "):
        names = re.split(", | and ", text.removeprefix("in "))
        if not set(names) <= set(MONTHS):
            return None
        span = {MONTHS.index(name) for name in names}
    else:
        return None
    return lambda day: day.month - 1 in span


def _both(one: Days | None, other: Days | None) -> Days | None:
    return one and other and (lambda day: one(day) and other(day))


def _either(one: Days | None, other: Days | None) -> Days | None:
    return one and other and (lambda day: one(day) or other(day))
