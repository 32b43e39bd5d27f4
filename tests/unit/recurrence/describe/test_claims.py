"""What a sentence promises is what happens."""

import re
from datetime import date, datetime, time, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from templates_app.recurrence.cron import parse_cron
from templates_app.recurrence.describe import sentence
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.parse import parse
from tests.unit.recurrence.describe.reader import read

ZONE = "; UTC"
# Two leap years and all kinds of month.
DAYS = [date(2023, 11, 1) + timedelta(days=number) for number in range(900)]


def items(low: int, high: int) -> st.SearchStrategy[str]:
    """One to four of: a value, a range (through the wrap too), a step."""
    value = st.integers(low, high)
    one = st.one_of(
        value.map(str),
        st.tuples(value, value).map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.tuples(value, value, st.integers(1, 5)).map(
            lambda three: f"{three[0]}-{three[1]}/{three[2]}"
        ),
        st.tuples(value, st.integers(1, high)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )
    return st.lists(one, min_size=1, max_size=4).map(",".join)


def field(low: int, high: int, *steps: int) -> st.SearchStrategy[str]:
    stars = [f"*/{step}" for step in steps]
    return st.one_of(st.sampled_from(["*", *stars]), items(low, high))


MONTH_DAYS = st.one_of(field(1, 31, 2, 3, 10), st.sampled_from(["L", "1,L", "L-2", "15,L-1"]))
EXPRESSIONS = st.tuples(
    field(0, 59, 5, 7, 15, 20, 30),
    field(0, 23, 2, 3, 5, 6),
    MONTH_DAYS,
    st.one_of(st.just("*"), field(1, 12, 2, 3)),
    st.one_of(st.just("*"), field(0, 7, 2)),
).map(" ".join)


def cron_of(expression, day_match):
    try:
        return parse_cron(expression, day_match=day_match)
    except RecurrenceError:
        return None


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, st.sampled_from(["or", "and"]))
def test_a_cron_sentence_promises_what_happens(expression, day_match):
    cron = cron_of(expression, day_match)
    assume(cron is not None)
    document = {
        "kind": "cron",
        "expression": expression,
        "day_match": day_match,
        "timezone": "UTC",
    }
    text = sentence(document).removesuffix(ZONE)
    # A summary ("at 23 minutes of the hour") promises a number only.
    assume("minutes of the hour" not in text and " times of the day" not in text)
    assume(not re.search(" hours of the day| days of|[0-9] months", text))

    minutes, days = read(text)

    fires_on = set(_days_of(cron))
    assert {day for day in DAYS if days(day)} == fires_on
    for day in sorted(fires_on)[:2]:
        walls = cron.walls(datetime.combine(day, time()))
        found = set()
        for wall in walls:
            if wall.date() != day:
                break
            found.add(60 * wall.hour + wall.minute)
        assert found == minutes


def _days_of(cron):
    start = datetime.combine(DAYS[0], time())
    while (wall := next(cron.walls(start), None)) is not None and wall.date() <= DAYS[-1]:
        yield wall.date()
        start = datetime.combine(wall.date() + timedelta(days=1), time())


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS)
def test_a_summary_counts_right(expression):
    cron = cron_of(expression, "or")
    assume(cron is not None)

    text = sentence({"kind": "cron", "expression": expression, "timezone": "UTC"})

    for words, values in (
        ("minutes of the hour", cron.minutes.values),
        ("hours of the day", cron.hours.values),
        ("times of the day", cron.hours.values),
    ):
        if words in text:
            number = text.partition(f" {words}")[0].rpartition(" ")[2]
            assert int(number) == len(values)


LISTS = st.lists(st.integers(0, 59), min_size=1, max_size=60, unique=True).map(sorted)


@settings(max_examples=60, deadline=None)
@given(LISTS, LISTS, st.lists(st.integers(1, 31), min_size=1, max_size=31, unique=True))
def test_no_list_makes_a_sentence_longer_than_300_characters(seconds, minutes, days):
    fields = [",".join(map(str, values)) for values in (seconds, minutes, days)]
    expression = f"{fields[0]} {fields[1]} 1,3,4,7,8,11,14,15,20,23 {fields[2]} 1,2,4,5,7,9,10,12 1"
    document = {"kind": "cron", "expression": expression, "timezone": "America/New_York"}

    text = sentence(document, avoid=["public holidays"] * 20, keep_to=["x" * 500])

    assert len(text) <= 300
    assert text.endswith("; America/New_York")


def test_five_hundred_dates_are_told_in_one_short_sentence():
    start = datetime(2026, 1, 1, 9, 30)
    dates = [(start + timedelta(days=3 * number)).isoformat() for number in range(500)]

    text = sentence(parse({"kind": "dates", "dates": dates, "timezone": "UTC"}).document)

    assert text == "On 500 dates from 1 January 2026 to 6 February 2030, at 09:30; UTC"


def test_a_union_of_many_is_told_in_one_short_sentence():
    parts = [
        {"kind": "daily", "times": [f"{number % 24:02}:{number // 24:02}"], "timezone": "UTC"}
        for number in range(60)
    ]

    text = sentence(parse({"kind": "union", "of": parts}).document)

    assert len(text) <= 300
    assert text.startswith("At 00:00 every day; and also at 01:00 every day; ")
    assert text.endswith(" more; UTC")


def test_a_document_that_no_summary_fits_is_counted():
    inner = {
        "kind": "rrule",
        "dtstart": "2026-01-01T09:00:00",
        "rules": [
            (
                "FREQ=YEARLY;INTERVAL=2;BYMONTH=1,2,5;BYMONTHDAY=1,2,5,9,-1;BYDAY=1MO,3TU,-1FR;"
                "BYHOUR=1,3,7;BYMINUTE=1,5;BYSETPOS=1,-1"
            )
        ],
        "timezone": "UTC",
    }
    there = {**inner, "timezone": "America/New_York"}
    minus = {"kind": "except", "from": inner, "minus": inner, "timezone": "UTC"}

    text = sentence({"kind": "except", "from": there, "minus": minus, "timezone": "UTC"})

    assert text == "A combination of 3 schedules; UTC"
