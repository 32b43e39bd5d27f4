"""Against a matcher of its own: every day of a cycle of years, every second of a day.

The expressions are made together with plain predicates, so nothing here reads cron text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.recurrence.cron import DayMatch, parse_cron
from templates_app.recurrence.errors import RecurrenceError

# All fourteen kinds of year occur in any 28 years without a century.
CYCLE = [date(2000, 1, 1) + timedelta(days=number) for number in range(28 * 365 + 7)]
MONTH_NAMES = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAY_NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


@dataclass(frozen=True)
class Numbers:
    """An item of a field, and the values it stands for."""

    text: str
    values: frozenset[int]


@dataclass(frozen=True)
class Days:
    """An item of a day field, and the dates it stands for."""

    text: str
    matches: Callable[[date], bool]


def _walked(low: int, high: int, first: int, last: int, step: int) -> frozenset[int]:
    """Walk from `first` to `last` one value at a time, keeping each `step`-th."""
    values = set()
    value, taken = first, 0
    while True:
        if taken % step == 0:
            values.add(value)
        if value == last:
            return frozenset(values)
        value, taken = (low if value == high else value + 1), taken + 1


@st.composite
def numbers(draw: st.DrawFn, low: int, high: int) -> Numbers:
    first, last = draw(st.integers(low, high)), draw(st.integers(low, high))
    count = (last - first) % (high - low + 1) + 1
    step = draw(st.integers(1, count))
    form = draw(st.sampled_from(["single", "range", "stepped", "open", "star"]))
    if form == "single":
        return Numbers(f"{first:02d}", frozenset({first}))
    if form == "range":
        return Numbers(f"{first}-{last}", _walked(low, high, first, last, 1))
    if form == "stepped":
        return Numbers(f"{first}-{last}/{step}", _walked(low, high, first, last, step))
    step = min(step, high - low)
    if form == "open":
        return Numbers(f"{first}/{step}", _walked(low, high, first, high, step))
    return Numbers(f"*/{step}", _walked(low, high, low, high, step))


@cache
def _days_of_month(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    days = (first + timedelta(days=number) for number in range(31))
    return [day for day in days if day.month == month]


def _last(day: date) -> int:
    return _days_of_month(day.year, day.month)[-1].day


@cache
def _nearest(year: int, month: int, wanted: int) -> int | None:
    days = _days_of_month(year, month)
    if not 1 <= wanted <= len(days):
        return None
    workdays = [day.day for day in days if day.isoweekday() < 6]
    return min(workdays, key=lambda number: abs(number - wanted))


def _is_nearest(day: date, wanted: int) -> bool:
    return day.day == _nearest(day.year, day.month, wanted)


def _month_day_rules() -> st.SearchStrategy[Days]:
    before, number = st.integers(0, 30), st.integers(1, 31)
    return st.one_of(
        st.just(Days("L", lambda day: day.day == _last(day))),
        st.just(Days("lw", lambda day: _is_nearest(day, _last(day)))),
        before.map(lambda n: Days(f"L-{n}", lambda day: day.day == _last(day) - n)),
        before.map(lambda n: Days(f"L-{n}W", lambda day: _is_nearest(day, _last(day) - n))),
        number.map(lambda n: Days(f"{n}W", lambda day: _is_nearest(day, n))),
    )


def _weekday_rules() -> st.SearchStrategy[Days]:
    weekday, nth = st.integers(0, 7), st.integers(1, 5)

    def counted(w: int, k: int) -> Days:
        name = WEEKDAY_NAMES[w % 7] if k % 2 else w
        return Days(
            f"{name}#{k}",
            lambda day: day.isoweekday() % 7 == w % 7 and 7 * (k - 1) < day.day <= 7 * k,
        )

    def last(w: int) -> Days:
        return Days(f"{w}L", lambda day: day.isoweekday() % 7 == w % 7 and day.day > _last(day) - 7)

    return st.one_of(st.builds(counted, weekday, nth), weekday.map(last))


def _on_days(item: Numbers) -> Days:
    return Days(item.text, lambda day: day.day in item.values)


def _on_weekdays(item: Numbers) -> Days:
    return Days(item.text, lambda day: day.isoweekday() % 7 in item.values)


MONTH_DAYS = st.lists(
    st.one_of(numbers(1, 31).map(_on_days), _month_day_rules()), min_size=1, max_size=3
)
WEEK_DAYS = st.lists(
    st.one_of(numbers(0, 6).map(_on_weekdays), _weekday_rules()), min_size=1, max_size=3
)
MONTHS = st.lists(numbers(1, 12), min_size=1, max_size=2)
FREE = st.sampled_from(["*", "?"]).map(lambda text: [Days(text, lambda day: True)])


def _listed(items: list[Days] | list[Numbers]) -> str:
    return ",".join(item.text for item in items)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(MONTH_DAYS, FREE),
    st.one_of(MONTHS, st.just([Numbers("*", frozenset(range(1, 13)))])),
    st.one_of(WEEK_DAYS, FREE),
    st.sampled_from(["or", "and"]),
    st.integers(0, len(CYCLE) - 1),
)
def test_every_day_of_28_years_is_named_exactly_when_it_matches(
    days: list[Days],
    months: list[Numbers],
    weekdays: list[Days],
    day_match: DayMatch,
    offset: int,
) -> None:
    expression = f"0 0 {_listed(days)} {_listed(months)} {_listed(weekdays)}"
    narrow = day_match == "and" or days[0].text[0] in "*?" or weekdays[0].text[0] in "*?"
    combine = all if narrow else any
    expected = [
        day
        for day in CYCLE
        if any(day.month in item.values for item in months)
        and combine(any(item.matches(day) for item in field) for field in (days, weekdays))
    ]

    if not expected:
        with pytest.raises(RecurrenceError) as refused:
            parse_cron(expression, day_match=day_match)
        assert refused.value.code == "never"
        return
    cron = parse_cron(expression, day_match=day_match)
    start = datetime.combine(CYCLE[offset], datetime.min.time())
    walls = takewhile(lambda wall: wall.year < 2028, cron.walls(start))
    assert [wall.date() for wall in walls] == [day for day in expected if day >= CYCLE[offset]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(numbers(0, 59), min_size=1, max_size=2),
    st.lists(numbers(0, 59), min_size=1, max_size=2),
    st.lists(numbers(0, 23), min_size=1, max_size=2),
    st.integers(0, 86399),
)
def test_every_second_of_a_day_is_named_exactly_when_it_matches(
    seconds: list[Numbers], minutes: list[Numbers], hours: list[Numbers], offset: int
) -> None:
    cron = parse_cron(f"{_listed(seconds)} {_listed(minutes)} {_listed(hours)} * * *")
    wanted = [
        frozenset[int]().union(*(item.values for item in field))
        for field in (hours, minutes, seconds)
    ]
    expected = [
        second
        for second in range(offset, 86400)
        if second // 3600 in wanted[0]
        and second // 60 % 60 in wanted[1]
        and second % 60 in wanted[2]
    ]
    midnight = datetime(2026, 11, 23)

    walls = cron.walls(midnight + timedelta(seconds=offset))

    found = takewhile(lambda wall: wall.date() == midnight.date(), walls)
    assert [int((wall - midnight).total_seconds()) for wall in found] == expected


@given(st.integers(1, 12), st.integers(0, 6))
def test_names_are_the_numbers_that_they_stand_for(month: int, weekday: int) -> None:
    named = parse_cron(f"0 0 * {MONTH_NAMES[month - 1].title()} {WEEKDAY_NAMES[weekday].lower()}")

    assert named.months.values == (month,)
    assert named.weekdays.values == (weekday,)
