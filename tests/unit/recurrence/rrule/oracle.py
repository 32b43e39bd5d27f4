"""A brute-force RRULE evaluator: walks every slot and asks each part in turn.

Written from the table in RFC 5545 section 3.3.10 with none of the engine's code, and as slow as
it looks: periods are spelled out day by day, and sets member by member.
"""

import calendar
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import product
from typing import Any

NAMES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LISTS = ("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYHOUR", "BYMINUTE", "BYSECOND")
MARGINS = {"YEARLY": 400, "MONTHLY": 32, "WEEKLY": 7}
"""Days beside the range that may belong to the set of a period in it."""
STEPS = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}


def read(text: str) -> dict[str, Any]:
    rule: dict[str, Any] = {name: [] for name in (*LISTS, "BYSETPOS", "BYDAY")}
    rule |= {"INTERVAL": 1, "WKST": 0}
    for part in text.split(";"):
        name, value = part.split("=")
        if name == "BYDAY":
            rule[name] = [
                (int(item[:-2] or 0), NAMES.index(item[-2:])) for item in value.split(",")
            ]
        elif name in LISTS or name == "BYSETPOS":
            rule[name] = [int(item) for item in value.split(",")]
        elif name == "INTERVAL":
            rule[name] = int(value)
        else:
            rule[name] = NAMES.index(value) if name == "WKST" else value
    return rule


def week_of(day: date, wkst: int) -> tuple[int, int, int]:
    """Week-year, number of the week, and how many weeks that year has."""
    start = day - timedelta((day.weekday() - wkst) % 7)
    year = (start + timedelta(3)).year

    def first(of: int) -> date:
        fourth = date(of, 1, 4)
        return fourth - timedelta((fourth.weekday() - wkst) % 7)

    return year, (start - first(year)).days // 7 + 1, (first(year + 1) - first(year)).days // 7


def nth_matches(day: date, nth: int, within_year: bool) -> bool:
    if nth == 0:
        return True
    if within_year:
        before = day.timetuple().tm_yday
        length = 365 + calendar.isleap(day.year)
    else:
        before, length = day.day, calendar.monthrange(day.year, day.month)[1]
    return (before - 1) // 7 + 1 == nth or -((length - before) // 7 + 1) == nth


def day_matches(day: date, rule: dict[str, Any], start: datetime) -> bool:
    """Every BY part of days, with what DTSTART supplies where none says."""
    freq = rule["FREQ"]
    months, month_days, weekdays = rule["BYMONTH"], rule["BYMONTHDAY"], rule["BYDAY"]
    named = month_days or weekdays or rule["BYYEARDAY"]
    if freq == "YEARLY" and not named and not rule["BYWEEKNO"]:
        months = months or [start.month]
    if freq in {"YEARLY", "MONTHLY"} and not named and not rule["BYWEEKNO"]:
        month_days = [start.day]
    if not weekdays and (freq == "WEEKLY" or (rule["BYWEEKNO"] and not named)):
        weekdays = [(0, start.weekday())]
    length = calendar.monthrange(day.year, day.month)[1]
    year_length, year_day = 365 + calendar.isleap(day.year), day.timetuple().tm_yday
    _, week, weeks = week_of(day, rule["WKST"])
    within_year = freq == "YEARLY" and not rule["BYMONTH"]
    return (
        (not months or day.month in months)
        and (not month_days or day.day in month_days or day.day - length - 1 in month_days)
        and (
            not rule["BYYEARDAY"]
            or year_day in rule["BYYEARDAY"]
            or year_day - year_length - 1 in rule["BYYEARDAY"]
        )
        and (
            not rule["BYWEEKNO"] or week in rule["BYWEEKNO"] or week - weeks - 1 in rule["BYWEEKNO"]
        )
        and (
            not weekdays
            or any(w == day.weekday() and nth_matches(day, n, within_year) for n, w in weekdays)
        )
    )


def period_of(at: datetime, rule: dict[str, Any]) -> int:
    freq: str = rule["FREQ"]
    day, wkst = at.date(), int(rule["WKST"])
    if freq == "YEARLY":
        return week_of(day, wkst)[0] if rule["BYWEEKNO"] else day.year
    if freq == "MONTHLY":
        return day.year * 12 + day.month
    if freq == "WEEKLY":
        return (day.toordinal() - 1 - wkst) // 7
    if freq == "DAILY":
        return day.toordinal()
    return (day.toordinal() * 86_400 + at.hour * 3600 + at.minute * 60 + at.second) // STEPS[freq]


def times_of(rule: dict[str, Any], start: datetime) -> list[time]:
    """All times of a day; a frequency below a day leaves open what it steps through."""
    order = ("HOURLY", "MINUTELY", "SECONDLY")
    depth = order.index(rule["FREQ"]) + 1 if rule["FREQ"] in order else 0
    given = (
        ("BYHOUR", start.hour, 24),
        ("BYMINUTE", start.minute, 60),
        ("BYSECOND", start.second, 60),
    )
    axes = [
        sorted({min(v, 59) for v in rule[name]} or (range(size) if i < depth else [default]))
        for i, (name, default, size) in enumerate(given)
    ]
    return [time(*values) for values in product(*axes)]


def occurrences(text: str, start: datetime, until_day: date) -> Iterator[datetime]:
    """Yield what the rule names from `start` to the end of `until_day`; COUNT is the caller's."""
    rule = read(text)
    times = times_of(rule, start)
    origin = period_of(start, rule)
    if rule["BYWEEKNO"]:
        origin = start.year
    sets: dict[int, list[datetime]] = {}
    margin = timedelta(MARGINS.get(rule["FREQ"], 0) if rule["BYSETPOS"] else 0)
    day = start.date() - margin
    while day <= until_day + margin:
        if day_matches(day, rule, start):
            for at in (datetime.combine(day, each) for each in times):
                period = period_of(at, rule)
                if (period - origin) % rule["INTERVAL"] == 0:
                    sets.setdefault(period, []).append(at)
        day += timedelta(1)
    for period in sorted(sets):
        members = sets[period]
        if rule["BYSETPOS"]:
            wanted = {p - 1 if p > 0 else len(members) + p for p in rule["BYSETPOS"]}
            members = [at for i, at in enumerate(members) if i in wanted]
        yield from (at for at in members if at >= start and at.date() <= until_day)
